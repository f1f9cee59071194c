"""Write an account as the files of the data export."""
