"""What a chart is made of: series, viewport, scales, layers, and the widget that paints them."""
