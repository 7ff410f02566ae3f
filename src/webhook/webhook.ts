/**
 * webhook/ answers the API server before a change is stored: will this Service get its address, is this pool any good?
 * It serves AdmissionReviews over HTTPS (platform/http.ts), judges them with core/policy on facts the stores keep in
 * memory (live-facts.ts), makes its own certificates (certificates.ts, certificate-store.ts) and registers itself
 * (registrar.ts, registration.ts, self-test.ts).
 *
 * What must always hold: nothing is allocated here; no request waits for I/O; a webhook that is down, starting or broken
 * refuses nothing; and the API server is told to ask only after a question of our own came back through it.
 */
import type { Level } from '../api/findings.ts';
import type { ConfigMap, Secret, Service } from '../api/kubernetes.ts';
import { SECRETS } from '../api/kubernetes.ts';
import { UserError } from '../api/user-error.ts';
import type { Configuration } from '../cluster/configuration.ts';
import { Intents } from '../core/policy/intents.ts';
import { HttpServer } from '../platform/http.ts';
import type { TlsSettings } from '../platform/tls-settings.ts';
import type { Clock, KubeClient, Leadership, Log, Meter, Startable, Store } from '../ports.ts';
import { CERTIFICATE_SECRET, CertificateStore, decodeSecret } from './certificate-store.ts';
import type { CertificateSet } from './certificates.ts';
import { isValidAt } from './certificates.ts';
import { LiveFacts } from './live-facts.ts';
import { Registrar } from './registrar.ts';
import type { FailurePolicy } from './registration.ts';
import { webhookHosts } from './registration.ts';
import { routes } from './routes.ts';
import { NotReached } from './self-test.ts';

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
  /** Of the Service and of the Secret with the certificates; MetalLB's names without. */
  readonly serviceName?: string;
  readonly secretName?: string;
  /** What the server allows; TLS 1.3 without. */
  readonly tls?: TlsSettings;
  /** PEM of the authority that the API server shows a certificate of; without it whoever reaches the port is answered. */
  readonly clientCaPem?: string;
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
/** How often the certificate and the registration are looked after without a reason, and how soon again after a failure. */
const CHECK_MS = 3_600_000;
const RETRY_MS = 5_000;
/** Until a pod is ready nobody reaches it through its Service: so many failures are no news. */
const ORDINARY_FAILURES = 6;

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
  readonly #registrar: Registrar;
  readonly #registered = Promise.withResolvers<void>();
  #unsubscribe: () => void = () => undefined;
  #starting: Promise<void> = Promise.resolve();
  #checking: Promise<void> | undefined;
  #cancelCheck: () => void = () => undefined;
  /** Monotonic time of the next look. */
  #dueMs = Number.POSITIVE_INFINITY;
  /** What is looked at next are certificates of another's making. */
  #hasNews = false;
  /** In a row. */
  #failures = 0;

  /** Throws UserError for a webhookUrl that cannot be one. */
  constructor(deps: WebhookDeps) {
    this.#deps = deps;
    this.#url = deps.webhookUrl === undefined ? undefined : parseWebhookUrl(deps.webhookUrl);
    this.#facts = new LiveFacts({ defaultLevel: 'deny', ...deps });
    const mayIssue = deps.disableCertRotation !== true;
    this.#certificates = new CertificateStore({ ...deps, hosts: this.#hosts(), mayIssue });
    const { client, namespace, secretName = CERTIFICATE_SECRET } = deps;
    this.#secret = client.observe<Secret>(SECRETS, {
      namespace,
      fieldSelector: `metadata.name=${secretName}`,
    });
    this.#registrar = new Registrar(deps, (waitMs) => {
      if (this.#leads()) this.#checkIn(waitMs);
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
   * Resolves once this replica serves, or after stop(). Where the API server comes by URL and this replica leads, the rules
   * are in force then, too; through a Service nobody comes before this process is ready, so there they follow. What the API
   * server refuses meanwhile is logged and tried again, so this may take long. Throws UserError where the port cannot be had.
   */
  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopping.resolve();
    this.#cancelCheck();
    this.#unsubscribe();
    await this.#registrar.stop();
    // A failure to start was thrown by start() already.
    await this.#starting.catch(() => undefined);
    await this.#checking;
    await this.#server?.stop(this.#deps.drainMs ?? (this.#url === undefined ? DRAIN_MS : 0));
    await this.#secret.stop();
    this.#facts.stop();
  }

  async #start(): Promise<void> {
    this.#facts.start();
    this.#certificate = await this.#obtainFirst();
    if (this.#certificate === undefined) return;
    const server = this.#makeServer(this.#certificate);
    await server.start();
    this.#server = server;
    await this.#listen();
    this.#check();
    if (this.#url !== undefined && this.#leads())
      await Promise.race([this.#registered.promise, this.#stopping.promise]);
  }

  /** Looks after the certificate when it changes or goes, and after the registration when this replica begins to lead. */
  async #listen(): Promise<void> {
    const unsubscribe = [
      this.#secret.subscribe(({ type, object }) => {
        const isServed = decodeSecret(object).certPem === this.#certificate?.certPem;
        const isTrusted = decodeSecret(object).caPem === this.#certificate?.caPem;
        if (type !== 'deleted' && isServed && isTrusted) return;
        this.#hasNews = true;
        this.#checkIn(0);
      }),
      this.#deps.leadership?.subscribe((leads) => {
        if (leads) this.#checkIn(0);
      }),
    ];
    this.#unsubscribe = () => {
      for (const each of unsubscribe) each?.();
    };
    await Promise.all([this.#secret.start(), this.#registrar.start()]);
  }

  #leads(): boolean {
    return this.#deps.leadership?.leads() ?? true;
  }

  #makeServer(certificate: CertificateSet): HttpServer {
    const { configuration, clock, log, meter, host, port, tls, clientCaPem } = this.#deps;
    const facts = this.#facts;
    const intents = new Intents();
    const readLegacy = (configMap: ConfigMap) => configuration.readLegacy(configMap);
    const answering = { facts, intents, readLegacy, clock, log, meter };
    return new HttpServer({
      name: 'the webhook',
      host,
      port,
      certificate,
      ...(tls && { tls }),
      ...(clientCaPem !== undefined && { clientCaPem }),
      log,
      bodyLimitBytes: BODY_LIMIT_BYTES,
      routes: routes(answering, () => this.whyNotReady()),
    });
  }

  /** Takes a renewed certificate, of our own making or another replica's, and mends the registration. */
  async #lookAfter(mayRotate: boolean): Promise<void> {
    const certificate = await this.#certificates.obtain(this.#certificate, mayRotate);
    if (certificate.certPem !== this.#certificate?.certPem) this.#server?.replaceCertificate(certificate);
    this.#certificate = certificate;
    if (!this.#leads()) return;
    const { namespace, failurePolicy = 'Ignore', loadBalancerClass, serviceName } = this.#deps;
    const url = this.#address();
    await this.#registrar.register({
      caPem: certificate.caPem,
      namespace,
      failurePolicy,
      ...(url !== undefined && { url }),
      ...(serviceName !== undefined && { serviceName }),
      ...(loadBalancerClass !== undefined && { loadBalancerClass }),
    });
    this.#registered.resolve();
  }

  #checkIn(ms: number): void {
    this.#dueMs = Math.min(this.#dueMs, this.#deps.clock.monotonicMs() + ms);
    if (this.#stopped || this.#checking !== undefined) return;
    this.#cancelCheck();
    const waitMs = Math.max(0, this.#dueMs - this.#deps.clock.monotonicMs());
    this.#cancelCheck = this.#deps.clock.after(waitMs, () => this.#check());
  }

  #check(): void {
    if (this.#stopped || this.#checking !== undefined) return;
    this.#cancelCheck();
    this.#dueMs = Number.POSITIVE_INFINITY;
    // Not because another did it just now: whose clocks disagree would answer each other for ever.
    const mayRotate = this.#leads() && !this.#hasNews;
    this.#hasNews = false;
    this.#checking = this.#lookAfter(mayRotate).then(
      () => this.#checked(0),
      (error: unknown) => this.#checked(this.#failures + 1, error),
    );
  }

  #checked(failures: number, error?: unknown): void {
    this.#failures = failures;
    this.#checking = undefined;
    if (failures > 0 && !this.#stopped) {
      const isOrdinary =
        error instanceof NotReached && this.#url === undefined && failures < ORDINARY_FAILURES;
      const level = isOrdinary ? 'info' : 'warn';
      this.#deps.log[level](
        `the webhook is not registered as it should be; trying again in ${RETRY_MS / 1000} s`,
        {
          error,
        },
      );
    }
    this.#checkIn(failures > 0 ? RETRY_MS : CHECK_MS);
  }

  /** Tries until it works or stop() is called. */
  async #obtainFirst(): Promise<CertificateSet | undefined> {
    while (!this.#stopped) {
      try {
        return await this.#certificates.obtain(undefined, this.#leads());
      } catch (error) {
        const again = `trying again in ${RETRY_MS / 1000} s`;
        this.#deps.log.warn(`the webhook cannot get its certificates; ${again}`, { error });
        await this.#pause();
      }
    }
    return undefined;
  }

  async #pause(): Promise<void> {
    const over = Promise.withResolvers<void>();
    const cancel = this.#deps.clock.after(RETRY_MS, () => over.resolve());
    await Promise.race([over.promise, this.#stopping.promise]);
    cancel();
  }

  /** What the certificate must be good for. */
  #hosts(): readonly string[] {
    const names = webhookHosts(this.#deps.namespace, this.#deps.serviceName);
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
