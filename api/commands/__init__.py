"""What commands do, for routes and for the command line: functions of a desk."""
