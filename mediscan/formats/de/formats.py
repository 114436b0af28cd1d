"""German: ordinal days."""

DATE_FORMAT = "j. M Y"
DATETIME_FORMAT = "j. M Y, H:i"
MONTH_DAY_FORMAT = "j. F"
SHORT_DATETIME_FORMAT = "j. M Y, H:i:s"
