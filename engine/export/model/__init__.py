"""What leaves of the model itself.  Heavy: imported only when such an export is made."""
