import { createSubscriber } from 'svelte/reactivity';

/** Ticks each second while somebody looks, and once at return to a page that was hidden. */
const ticks = createSubscriber((update) => {
  const timer = setInterval(update, 1000);
  document.addEventListener('visibilitychange', update);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', update);
  };
});

/** The wall clock, ms, for countdowns: what is made of it is made anew each second. */
export function wallMsNow(): number {
  ticks();
  return Date.now();
}
