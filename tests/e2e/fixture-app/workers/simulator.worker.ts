postMessage('simulator');
