"""From pixels to plates and occupied spaces: pure steps around the models. OpenCV and ONNX
Runtime are imported where they are used."""
