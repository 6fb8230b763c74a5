postMessage('files');
