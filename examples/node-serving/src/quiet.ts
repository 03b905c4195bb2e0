/** ONNX Runtime reports to its maker unless it is told not to; that must stand before it is loaded: import this first. */
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
