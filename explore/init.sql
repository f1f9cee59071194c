set TimeZone = 'UTC';
set search_path = 'reports,marts';
