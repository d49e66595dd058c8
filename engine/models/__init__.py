"""What can be fitted: baselines, linear models, trees and networks, each declared once."""
