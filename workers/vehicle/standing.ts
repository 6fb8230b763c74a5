import type { AdapterInfo, AdapterJob, AdapterVerdict } from '#contract/adapter.ts';
import { type AdapterConsent, type AdapterKey, type AdapterReport, adapterKeyOf } from '#contract/adapter-check.ts';
import type { UsbIdentity } from '#contract/transport.ts';
import type { KnownAdapter } from '#contract/vehicle-api.ts';
import { type AdapterRecord, adapterVerdict, type Today } from '#procedures/adapter-check/verdict.ts';
import type { AdaptersPort } from '#procedures/ports.ts';

/**
 * What decides what the open adapter may do: the words of its driver, its checks on this machine, a person's consent. Judged
 * anew whenever one of them changes; the link, the host and the page ask here.
 */
export class AdapterStanding {
  readonly key: AdapterKey;
  readonly info: AdapterInfo;
  #survivesReplug: AdapterReport['survivesReplug'];
  #record: AdapterRecord;
  #verdict: AdapterInfo['verdict'];
  readonly #today: () => Today;

  private constructor(info: AdapterInfo, record: AdapterRecord, known: KnownAdapter | null, today: () => Today) {
    this.key = record.key;
    this.info = info;
    this.#survivesReplug = known?.survivesReplug ?? 'unknown';
    this.#record = record;
    this.#today = today;
    this.#verdict = adapterVerdict(info, record, today());
  }

  /** @throws StackError `store/*` */
  static async read(
    info: AdapterInfo,
    usb: UsbIdentity | null,
    store: AdaptersPort,
    today: () => Today,
  ): Promise<AdapterStanding> {
    const key = adapterKeyOf(info, usb);
    const [reports, consent, known] = [await store.reportsOf(key), await store.consentTo(key), await store.known()];
    return new AdapterStanding(info, { key, reports, consent }, known.find((one) => one.key === key) ?? null, today);
  }

  /** As on a machine that has never seen it: what its family may. */
  static unknown(info: AdapterInfo, usb: UsbIdentity | null, today: () => Today): AdapterStanding {
    return new AdapterStanding(info, { key: adapterKeyOf(info, usb), reports: [], consent: null }, null, today);
  }

  get verdict(): AdapterInfo['verdict'] {
    return this.#verdict;
  }

  /** The newest check. What was seen of replugging since is in it. */
  get check(): AdapterReport | null {
    const [newest] = this.#record.reports;
    return newest === undefined ? null : { ...newest, survivesReplug: this.#survivesReplug };
  }

  get survivesReplug(): AdapterReport['survivesReplug'] {
    return this.#survivesReplug;
  }

  get consent(): AdapterConsent | null {
    return this.#record.consent;
  }

  may(job: AdapterJob): AdapterVerdict {
    return this.#verdict[job];
  }

  checked(report: AdapterReport): void {
    this.#judge({ ...this.#record, reports: [report, ...this.#record.reports] });
  }

  accepted(consent: AdapterConsent): void {
    this.#judge({ ...this.#record, consent });
  }

  /** It was pulled and plugged again, and the browser opened it without asking a person. */
  foundAgain(): void {
    this.#survivesReplug = 'yes';
  }

  #judge(record: AdapterRecord): void {
    this.#record = record;
    this.#verdict = adapterVerdict(this.info, record, this.#today());
  }
}
