def write_workbook(cursor, path, run):
    pass
