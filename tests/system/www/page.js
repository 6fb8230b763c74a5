// The page only asks the worker: the port is opened where the product opens it, in a dedicated worker.
const worker = new Worker('./worker.js', { type: 'module' });
const waiting = new Map();
let count = 0;

worker.addEventListener('message', ({ data }) => {
  const { resolve, reject } = waiting.get(data.id);
  waiting.delete(data.id);
  if ('error' in data) reject(new Error(data.error));
  else resolve(data.value);
});

globalThis.inWorker = (operation, ...args) =>
  new Promise((resolve, reject) => {
    count += 1;
    waiting.set(count, { resolve, reject });
    worker.postMessage({ id: count, operation, args });
  });

// requestPort() exists in the page only and wants a click.
document.querySelector('button').addEventListener('click', () => {
  globalThis.requested = navigator.serial.requestPort().then(
    (port) => JSON.stringify(port.getInfo()),
    (error) => error.name,
  );
});
