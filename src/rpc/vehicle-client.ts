import * as Comlink from 'comlink';
import { StackError } from '#contract/errors.ts';
import type { VehicleApi } from '#contract/vehicle-api.ts';
import { installErrorTransfer } from '#rpc/errors.ts';

/** What a worker is to its caller: the API, and the promise that tells that it is gone for good. */
export interface VehicleClient {
  readonly api: VehicleApi;
  /** Never settles by itself: a terminated worker gives no event, so whoever ends it calls `end`. */
  readonly gone: Promise<never>;
  end(reason: string): void;
}

let installed = false;

/**
 * Wraps a vehicle worker. `worker.terminate()` gives no event and a call in flight would never settle: every call races with
 * `gone` (reference: build notes 4).
 */
export function connectVehicleWorker(worker: Worker): VehicleClient {
  if (!installed) installErrorTransfer();
  installed = true;
  const remote = Comlink.wrap<VehicleApi>(worker);
  let end: (reason: string) => void = () => {};
  const gone = new Promise<never>((_, reject) => {
    end = (reason) =>
      reject(new StackError('rpc/worker-ended', `the vehicle worker ended: ${reason}`, { worker: 'vehicle' }));
  });
  gone.catch(() => undefined);
  worker.addEventListener('error', (event) => end(event.message || 'it could not start'));
  const api = new Proxy({} as VehicleApi, {
    get:
      (_, method: string) =>
      (...args: unknown[]) =>
        Promise.race([callRemote(remote, method, args), gone]),
  });
  return { api, gone, end };
}

/** Ports among the arguments are transferred, all else is cloned. */
function callRemote(remote: Comlink.Remote<VehicleApi>, method: string, args: readonly unknown[]): Promise<unknown> {
  const call = remote[method as keyof VehicleApi] as unknown as (...args: unknown[]) => Promise<unknown>;
  return call(...args.map((arg) => (arg instanceof MessagePort ? Comlink.transfer(arg, [arg]) : arg)));
}

export function exposeVehicleApi(api: VehicleApi, endpoint?: Comlink.Endpoint): void {
  if (!installed) installErrorTransfer();
  installed = true;
  Comlink.expose(api, endpoint);
}
