"""The model as an ONNX graph, preparation included: numbers as doubles (NaN where empty), everything else as text ("").

The graph is written from the terms of the fitted preparation and the figures of the fitted model, in doubles
throughout.  skl2onnx 1.20 was tried and does not fit: of trees that saw empty cells it loses where those go (a forest
was off by 0.19), its histogram boosting does not build with this onnx, and it knows none of our own steps.
Operators: ONNX 21, ai.onnx.ml 5 (TreeEnsemble), see onnx.ai/onnx/operators.
"""
