"""Series: values of one or several things at equal steps of time, read, regularised and cut into rows of a table."""
