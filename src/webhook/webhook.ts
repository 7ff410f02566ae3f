/**
 * webhook/ answers the API server before a change is stored: will this Service get its address, is this pool any good?
 * It serves AdmissionReviews over HTTPS (platform/http.ts), judges them with core/policy on facts the stores keep in
 * memory (live-facts.ts), makes its own certificates (certificates.ts, certificate-store.ts) and registers itself
 * (registration.ts).
 *
 * What must always hold: nothing is allocated here; no request waits for I/O; a webhook that is down, starting or broken
 * refuses nothing; and the API server is told to ask only after the server has answered a question of our own.
 */
import type { Level } from '../api/findings.ts';
import type { ConfigMap, Secret, Service } from '../api/kubernetes.ts';
import { SECRETS } from '../api/kubernetes.ts';
import { UserError } from '../api/user-error.ts';
import type { Configuration } from '../cluster/configuration.ts';
import type { ConfigMapChange } from '../core/policy/facts.ts';
import type { Route } from '../platform/http.ts';
import { HttpServer } from '../platform/http.ts';
import type { Clock, KubeClient, Leadership, Log, Meter, Startable, Store } from '../ports.ts';
import { answerReview } from './answer.ts';
import { CERTIFICATE_SECRET, CertificateStore, decodeSecret } from './certificate-store.ts';
import type { CertificateSet } from './certificates.ts';
import { isValidAt } from './certificates.ts';
import { LiveFacts } from './live-facts.ts';
import type { FailurePolicy } from './registration.ts';
import { register, REVIEW_PATHS, SELF_TEST_PATH, webhookHosts } from './registration.ts';
import { selfTest } from './self-test.ts';

export interface WebhookDeps {
  readonly client: KubeClient;
  /** Started and stopped by whoever made it, like `services`. */
  readonly configuration: Configuration;
  readonly services: Store<Service>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** Who leads registers all and rotates certificates; without it, this replica does. */
  readonly leadership?: Leadership;
  /** IP address to listen on; `::` is every address. */
  readonly host: string;
  /** 9443 in a cluster; 0 takes any free port. */
  readonly port: number;
  /** Cleat's own namespace. */
  readonly namespace: string;
  /**
   * `https://host:port` for an API server that cannot reach a Service; port 0 stands for the port listened on. Without it
   * the API server comes through the Service metallb-webhook-service.
   */
  readonly webhookUrl?: string;
  /** What the API server does while nobody answers; Ignore without. */
  readonly failurePolicy?: FailurePolicy;
  /** The gate's level where a namespace has no label; deny without. */
  readonly defaultLevel?: Level;
  readonly loadBalancerClass?: string;
  /** The certificates in the Secret are somebody else's work: none is made or written here. */
  readonly disableCertRotation?: boolean;
  /**
   * How long to keep serving after stop() while the API server learns that this replica is going; 10 s without, or none
   * where webhookUrl names the one server there is.
   */
  readonly drainMs?: number;
}

/** Two reviews of one object, each at most 3 MiB in JSON, and what is around them. */
const BODY_LIMIT_BYTES = 8 * 1024 * 1024;
const DRAIN_MS = 10_000;
/** How often the certificate and the registration are looked after, and how soon again after a failure. */
const CHECK_MS = 3_600_000;
const RETRY_MS = 5_000;

export class Webhook implements Startable {
  readonly #deps: WebhookDeps;
  readonly #facts: LiveFacts;
  readonly #url: URL | undefined;
  readonly #certificates: CertificateStore;
  readonly #secret: Store<Secret> & Startable;
  readonly #stopping = Promise.withResolvers<void>();
  #stopped = false;
  #certificate: CertificateSet | undefined;
  #server: HttpServer | undefined;
  #cancelCheck: () => void = () => undefined;
  #unsubscribe: () => void = () => undefined;
  /** News came during the check under way. */
  #isCheckStale = false;
  #isChecking = false;
  #working: Promise<void> = Promise.resolve();

  /** Throws UserError for a webhookUrl that cannot be one. */
  constructor(deps: WebhookDeps) {
    this.#deps = deps;
    this.#url = deps.webhookUrl === undefined ? undefined : parseWebhookUrl(deps.webhookUrl);
    this.#facts = new LiveFacts({ defaultLevel: 'deny', ...deps });
    const mayIssue = deps.disableCertRotation !== true;
    this.#certificates = new CertificateStore({ ...deps, hosts: this.#hosts(), mayIssue });
    const { client, namespace } = deps;
    this.#secret = client.observe<Secret>(SECRETS, {
      namespace,
      fieldSelector: `metadata.name=${CERTIFICATE_SECRET}`,
    });
  }

  /** The port listened on, after start(). */
  get port(): number {
    return this.#server?.port ?? this.#deps.port;
  }

  /**
   * Why this replica should not be asked, in words; undefined while it serves and has seen what is stored. A configuration
   * with faults is no reason: it is then that changes to the configuration need judging.
   */
  whyNotReady(): string | undefined {
    if (this.#stopped) return 'the webhook is stopping';
    if (this.#server === undefined) return 'the webhook does not serve yet';
    if (!isValidAt(this.#certificate?.certPem ?? '', this.#deps.clock.nowMs()))
      return 'the webhook’s certificate is not valid at this time';
    const seen = this.#facts.listed && this.#deps.services.synced;
    return seen ? undefined : 'pools and Services have not been listed yet';
  }

  /**
   * Resolves once this replica serves and, where it leads, has told the API server to ask, or after stop(). What the API
   * server refuses meanwhile is logged and tried again, so this may take long. Throws UserError where the port cannot be
   * had.
   */
  start(): Promise<void> {
    this.#working = this.#start();
    return this.#working;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopping.resolve();
    this.#cancelCheck();
    this.#unsubscribe();
    // A failure to start was thrown by start() already.
    await this.#working.catch(() => undefined);
    await this.#server?.stop(this.#deps.drainMs ?? (this.#url === undefined ? DRAIN_MS : 0));
    await this.#secret.stop();
    this.#facts.stop();
  }

  async #start(): Promise<void> {
    this.#facts.start();
    await this.#persist('cannot get its certificates', async () => {
      this.#certificate = await this.#certificates.obtain(undefined, this.#leads());
    });
    if (this.#certificate === undefined || this.#stopped) return;
    const server = this.#makeServer(this.#certificate);
    await server.start();
    this.#server = server;
    if (this.#leads()) await this.#persist('cannot register itself', () => this.#register());
    this.#scheduleCheck(CHECK_MS);
    await this.#listen();
  }

  /** Looks after the certificate when it changes or goes, and after the registration when this replica begins to lead. */
  async #listen(): Promise<void> {
    const unsubscribe = [
      this.#secret.subscribe(({ type, object }) => {
        const isServed = decodeSecret(object).certPem === this.#certificate?.certPem;
        const isTrusted = decodeSecret(object).caPem === this.#certificate?.caPem;
        if (type === 'deleted' || !isServed || !isTrusted) this.#checkSoon();
      }),
      this.#deps.leadership?.subscribe((leads) => {
        if (leads) this.#checkSoon();
      }),
    ];
    this.#unsubscribe = () => {
      for (const each of unsubscribe) each?.();
    };
    await this.#secret.start();
    // It may have begun to lead before anybody listened.
    if (this.#deps.leadership?.leads() === true) this.#checkSoon();
  }

  #leads(): boolean {
    return this.#deps.leadership?.leads() ?? true;
  }

  #makeServer(certificate: CertificateSet): HttpServer {
    const { configuration, clock, log, meter, host, port } = this.#deps;
    const readLegacy = (configMap: ConfigMap): ConfigMapChange['legacy'] =>
      configuration.readLegacy(configMap);
    const deps = { facts: this.#facts, readLegacy, clock, log, meter };
    const review = REVIEW_PATHS.map((path): Route => ({
      method: 'POST',
      path,
      handle: ({ body }) => answerReview(body, deps),
    }));
    return new HttpServer({
      name: 'the webhook',
      host,
      port,
      certificate,
      log,
      bodyLimitBytes: BODY_LIMIT_BYTES,
      routes: [
        ...review,
        { method: 'GET', path: '/healthz', handle: () => ({ status: 200, body: 'ok\n' }) },
        {
          method: 'GET',
          path: '/readyz',
          handle: () => {
            const missing = this.whyNotReady();
            return { status: missing === undefined ? 200 : 503, body: `${missing ?? 'ok'}\n` };
          },
        },
      ],
    });
  }

  async #register(): Promise<void> {
    const { client, log, namespace, host, failurePolicy = 'Ignore', loadBalancerClass } = this.#deps;
    const { caPem } = this.#certificate ?? { caPem: '' };
    const [serverName = ''] = this.#hosts();
    await selfTest({ host, port: this.port, path: SELF_TEST_PATH, caPem, serverName });
    const url = this.#address();
    const removed = await register(client, {
      caPem,
      namespace,
      failurePolicy,
      ...(url !== undefined && { url }),
      ...(loadBalancerClass !== undefined && { loadBalancerClass }),
    });
    log.info('the webhook is registered', {
      port: this.port,
      failurePolicy,
      ...(url !== undefined && { url }),
      ...(removed.length > 0 && { removed }),
    });
  }

  /** Takes a renewed certificate, of our own making or another replica's, and mends the registration. */
  async #check(mayRotate: boolean): Promise<void> {
    const certificate = await this.#certificates.obtain(this.#certificate, mayRotate);
    if (certificate.certPem !== this.#certificate?.certPem) this.#server?.replaceCertificate(certificate);
    this.#certificate = certificate;
    if (this.#leads()) await this.#register();
  }

  #checkSoon(): void {
    this.#isCheckStale = true;
    if (!this.#isChecking) this.#scheduleCheck(0);
  }

  #scheduleCheck(afterMs: number): void {
    if (this.#stopped) return;
    this.#cancelCheck();
    this.#cancelCheck = this.#deps.clock.after(this.#isCheckStale ? 0 : afterMs, () => {
      // Not because another did it just now: whose clocks disagree would answer each other for ever.
      const mayRotate = this.#leads() && !this.#isCheckStale;
      this.#isCheckStale = false;
      this.#isChecking = true;
      this.#working = this.#check(mayRotate)
        .then(
          () => CHECK_MS,
          (error: unknown) => {
            this.#deps.log.warn('the webhook cannot look after its certificate and registration', { error });
            return RETRY_MS;
          },
        )
        .then((nextMs) => {
          this.#isChecking = false;
          this.#scheduleCheck(nextMs);
        });
    });
  }

  /** Until it works or stop() is called. */
  async #persist(failure: string, attempt: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      try {
        await attempt();
        return;
      } catch (error) {
        this.#deps.log.warn(`the webhook ${failure}; trying again in ${RETRY_MS / 1000} s`, { error });
        await this.#pause();
      }
    }
  }

  async #pause(): Promise<void> {
    const over = Promise.withResolvers<void>();
    const cancel = this.#deps.clock.after(RETRY_MS, () => over.resolve());
    await Promise.race([over.promise, this.#stopping.promise]);
    cancel();
  }

  /** What the certificate must be good for. */
  #hosts(): readonly string[] {
    const names = webhookHosts(this.#deps.namespace);
    return this.#url === undefined ? names : [...names, this.#url.hostname.replace(/^\[(.*)\]$/, '$1')];
  }

  #address(): string | undefined {
    if (this.#url === undefined) return undefined;
    const { hostname, port, pathname } = this.#url;
    return `https://${hostname}${port === '' ? '' : `:${port === '0' ? this.port : port}`}${pathname.replace(/\/$/, '')}`;
  }
}

function parseWebhookUrl(text: string): URL {
  const url = URL.parse(text);
  const plain = url?.protocol === 'https:' && url.search === '' && url.hash === '' && url.username === '';
  if (url === null || !plain) {
    throw new UserError(
      `webhook URL ${JSON.stringify(text)} is not one the API server can call: write https://host:port`,
    );
  }
  return url;
}
