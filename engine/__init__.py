"""The method: what is asked, measured, recommended and recorded.  Knows no screen and no database."""
