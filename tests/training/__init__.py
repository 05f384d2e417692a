"""Fitting the network that looks at boxes (``ballotscan/vision/shapes.onnx``); see README.md."""
