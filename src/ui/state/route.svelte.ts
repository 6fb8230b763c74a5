/** Where the person is. The URL's fragment says it (`#/vehicle/module/70E-778/options`), so that support can say where to go. */
export type Section = 'connect' | 'vehicle' | 'backups' | 'sessions' | 'help';
export type ConnectPage = 'adapter' | 'missing';
export type ModuleTab = 'options' | 'staged' | 'raw' | 'faults' | 'identity' | 'history';

export type Route =
  | {
      readonly section: 'connect';
      /** The check of the adapter at hand or (`reportId`) an earlier one; the help for an adapter that the browser does not list. */
      readonly page?: ConnectPage;
      readonly reportId?: string;
    }
  | { readonly section: 'vehicle'; readonly moduleId: string | null; readonly tab: ModuleTab }
  | { readonly section: 'backups'; readonly backupId: string | null }
  | { readonly section: 'sessions'; readonly operationId: string | null }
  | { readonly section: 'help' };

const TABS: readonly ModuleTab[] = ['options', 'staged', 'raw', 'faults', 'identity', 'history'];

/** Anything that is no known place leads to Connect: the URL is foreign text. */
export function parseRoute(hash: string): Route {
  const [section, first, second, third] = hash.replace(/^#\/?/, '').split('/').map(decode);
  switch (section) {
    case 'vehicle':
      if (first !== 'module' || !second) return { section, moduleId: null, tab: 'options' };
      return { section, moduleId: second, tab: TABS.find((tab) => tab === third) ?? 'options' };
    case 'backups':
      return { section, backupId: first || null };
    case 'sessions':
      return { section, operationId: first || null };
    case 'help':
      return { section };
    default:
      return connectRoute(section === 'connect' ? first : undefined, second);
  }
}

function connectRoute(page: string | undefined, reportId: string | undefined): Route {
  if (page === 'missing') return { section: 'connect', page };
  if (page !== 'adapter') return { section: 'connect' };
  return reportId ? { section: 'connect', page, reportId } : { section: 'connect', page };
}

export function formatRoute(route: Route): string {
  const parts: string[] = [route.section];
  if (route.section === 'connect' && route.page !== undefined) {
    parts.push(route.page);
    if (route.page === 'adapter' && route.reportId !== undefined) parts.push(route.reportId);
  }
  if (route.section === 'vehicle' && route.moduleId !== null) parts.push('module', route.moduleId, route.tab);
  if (route.section === 'backups' && route.backupId !== null) parts.push(route.backupId);
  if (route.section === 'sessions' && route.operationId !== null) parts.push(route.operationId);
  return `#/${parts.map(encodeURIComponent).join('/')}`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part).slice(0, 200);
  } catch {
    return '';
  }
}

export class Router {
  #route = $state.raw<Route>({ section: 'connect' });
  /** While a job runs the person stays where they are, whatever the address bar says. */
  held = false;

  get route(): Route {
    return this.#route;
  }

  /** Follows the address bar until the returned function is called. */
  start(): () => void {
    const follow = () => {
      if (!this.held) this.#route = parseRoute(location.hash);
    };
    follow();
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }

  /** Puts the address back to what is shown. */
  restore(): void {
    const here = formatRoute(this.#route);
    if (location.hash !== here) history.replaceState(null, '', here);
  }

  go(route: Route): void {
    location.hash = formatRoute(route);
    this.#route = route;
  }
}
