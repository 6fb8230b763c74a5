/**
 * Keeps the screen on while a job runs. The browser takes the lock away when the page is hidden: asked again on return.
 * `off`: nobody asked · `on`: held · `lost`: wanted and not held (hidden, power saving) · `unavailable`: this browser has none.
 */
export class WakeLock {
  state = $state<'off' | 'on' | 'lost' | 'unavailable'>('wakeLock' in navigator ? 'off' : 'unavailable');

  #wanted = false;
  #lock: WakeLockSentinel | null = null;

  constructor() {
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') void this.#ask();
    });
  }

  want(wanted: boolean): void {
    this.#wanted = wanted;
    if (wanted) {
      void this.#ask();
      return;
    }
    void this.#lock?.release();
    this.#lock = null;
    if (this.state !== 'unavailable') this.state = 'off';
  }

  async #ask(): Promise<void> {
    if (!this.#wanted || this.state === 'unavailable' || this.#lock !== null) return;
    try {
      const lock = await navigator.wakeLock.request('screen');
      if (!this.#wanted) {
        await lock.release();
        return;
      }
      this.#lock = lock;
      this.state = 'on';
      lock.addEventListener('release', () => {
        if (this.#lock === lock) this.#lock = null;
        if (this.#wanted) this.state = 'lost';
      });
    } catch {
      // Refused (battery saver, hidden page): the job runs all the same, the strip says it.
      this.state = 'lost';
    }
  }
}
