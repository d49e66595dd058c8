"""Networks: declared as data, built in Keras on torch, trained by a plain loop."""
