/** The real kubectl against the embedded API server: the commands people type, and what kubectl prints. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kubectlIsMissing, startKubectl } from '../support/kubectl.ts';

const must = process.env['CI'] === 'true';
const options = {
  skip: kubectlIsMissing() && !must ? 'kubectl is not on the PATH: install it to run these tests' : false,
};

const WEB = `
apiVersion: v1
kind: Service
metadata:
  name: web
  labels: {app: web}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: 8080}
`;

const WIDGETS = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  names: {plural: widgets, singular: widget, kind: Widget, shortNames: [wd]}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    additionalPrinterColumns:
    - {name: Size, type: integer, jsonPath: .spec.size}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [size]
            description: What is wanted of a widget.
            properties:
              size: {type: integer, minimum: 1, description: In inches.}
              color: {type: string, default: red}
          status: {type: object, properties: {ready: {type: boolean}}}
`;

const WIDGET = `
apiVersion: example.com/v1
kind: Widget
metadata: {name: w}
spec: {size: 3}
`;

test(
  'a List is applied as its items are, and what kubectl saved is applied again',
  options,
  async (context) => {
    const { ok, fails } = await startKubectl(context);
    await ok('apply -f -', WIDGETS);
    await ok('wait --for=condition=Established crd/widgets.example.com');
    const list = (...items: readonly string[]): string =>
      `apiVersion: v1\nkind: List\nitems:\n${items.map((item) => `-${item.trim().replaceAll('\n', '\n  ').padStart(1)}`.replace(/^-/, '- ')).join('\n')}\n`;
    assert.equal(
      await ok('apply -f -', list(WEB, WIDGET)),
      'service/web created\nwidget.example.com/w created\n',
    );
    const saved = await ok('get services/web widgets/w -o yaml');
    assert.match(saved, /^kind: List$/m);
    assert.equal(await ok('apply -f -', saved), 'service/web configured\nwidget.example.com/w configured\n');
    // As docs/install.md saves what an uninstallation deletes.
    const kept = saved.replaceAll(/^    (creationTimestamp|generation|resourceVersion|uid): .*\n/gm, '');
    await ok('delete svc/web widgets/w');
    assert.equal(await ok('apply -f -', kept), 'service/web created\nwidget.example.com/w created\n');
    assert.match(
      await fails('apply -f -', list(WIDGET.replace('size: 3', 'size: 3, colour: red'))),
      /unknown field "spec\.colour"/,
    );
    assert.match(await fails('apply -f -', list(WIDGET.replace('kind: Widget', 'kind: Gadget'))), /Gadget/);
  },
);

test('apply, get, describe and delete a Service', options, async (context) => {
  const { ok, fails } = await startKubectl(context);
  assert.equal(await ok('apply -f -', WEB), 'service/web created\n');
  assert.equal(await ok('apply -f -', WEB), 'service/web unchanged\n');
  const changed = WEB.replace('port: 80,', 'port: 81,');
  assert.equal(await ok('apply -f -', changed), 'service/web configured\n');
  assert.equal(await ok("get svc web -o 'jsonpath={.spec.ports[*].port}'"), '81');
  assert.match(await ok('get services'), /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\n/);
  assert.match(
    await ok('get svc web --no-headers'),
    /^web +LoadBalancer +10\.96\.\d+\.\d+ +<pending> +81:3\d{4}\/TCP +\d+s\n$/,
  );
  assert.match(await ok('get svc -o wide'), /SELECTOR\n(.*\n)*web .*app=web\n/);
  assert.match(await ok('get svc -A'), /^NAMESPACE +NAME/);
  assert.match(await ok('get svc -l app=web -o name'), /^service\/web\n$/);
  assert.match(await ok('get svc --field-selector metadata.name=web -o name'), /^service\/web\n$/);
  assert.match(await ok('get all'), /service\/web /);
  const described = await ok('describe svc web');
  assert.match(described, /^Name: +web$/m);
  assert.match(described, /^Type: +LoadBalancer$/m);
  assert.match(described, /^NodePort: +http +3\d{4}\/TCP$/m);
  assert.match(described, /^Events: +<none>$/m);
  assert.equal(await ok('delete svc web'), 'service "web" deleted\n');
  assert.match(await fails('get svc web'), /^Error from server \(NotFound\): services "web" not found\n$/);
  assert.match(await fails('get deployments'), /the server doesn't have a resource type "deployments"/);
});

test(
  'server-side apply: owners, conflicts, force, and from client side to server side',
  options,
  async (context) => {
    const { ok, fails } = await startKubectl(context);
    await ok('apply -f -', WEB);
    assert.equal(await ok('apply --server-side -f -', WEB), 'service/web serverside-applied\n');
    const other = WEB.replace('{app: web}\nspec', '{app: other}\nspec');
    const conflict = await fails('apply --server-side --field-manager=other -f -', other);
    assert.match(conflict, /Apply failed with 1 conflict: conflict with "kubectl": \.metadata\.labels\.app/);
    assert.equal(
      await ok('apply --server-side --field-manager=other --force-conflicts -f -', other),
      'service/web serverside-applied\n',
    );
    assert.equal(await ok("get svc web -o 'jsonpath={.metadata.labels.app}'"), 'other');
    await ok('label svc web app=third --overwrite');
    assert.match(
      await fails('apply --server-side --field-manager=other -f -', other),
      /conflict with "kubectl-label" using v1: \.metadata\.labels\.app/,
    );
    const fewer = WEB.replace('  selector: {app: web}\n', '');
    await ok('apply --server-side --force-conflicts -f -', fewer);
    assert.equal(
      await ok("get svc web -o 'jsonpath={.spec.selector.app}'"),
      'web',
      'another manager still owns it',
    );
    await ok('apply --server-side --field-manager=other --force-conflicts -f -', fewer);
    assert.equal(await ok("get svc web -o 'jsonpath={.spec.selector}'"), '');
    assert.match(await ok('get svc web -o yaml --show-managed-fields'), /manager: other\n +operation: Apply/);
  },
);

test('patch in its three forms, and the status subresource', options, async (context) => {
  const { ok, fails } = await startKubectl(context);
  await ok('apply -f -', WEB);
  await ok(`patch svc web -p '{"spec":{"ports":[{"port":443,"name":"https"}]}}'`);
  assert.equal(await ok("get svc web -o 'jsonpath={.spec.ports[*].port}'"), '443 80');
  await ok(`patch svc web --type=merge -p '{"spec":{"externalTrafficPolicy":"Local"}}'`);
  await ok(
    `patch svc web --type=json -p '[{"op":"test","path":"/spec/externalTrafficPolicy","value":"Local"},{"op":"remove","path":"/spec/ports/0"}]'`,
  );
  assert.equal(await ok("get svc web -o 'jsonpath={.spec.ports[*].port}'"), '80');
  await ok(
    `patch svc web --subresource=status --type=merge -p '{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}'`,
  );
  assert.match(await ok('get svc web --no-headers'), / 192\.0\.2\.1 /);
  const refused = await fails(
    `patch svc web --type=json -p '[{"op":"test","path":"/spec/type","value":"x"}]'`,
  );
  assert.match(refused, /testing value \/spec\/type failed/);
  await ok('apply -f -', WIDGETS);
  await ok('apply -f -', WIDGET);
  assert.match(
    await fails(`patch widget w --type=strategic -p '{"spec":{"size":4}}'`),
    /unknown format|strategic merge patch/i,
  );
});

test('--dry-run=server tells the outcome and leaves nothing', options, async (context) => {
  const { ok, fails } = await startKubectl(context);
  assert.equal(await ok('apply --dry-run=server -f -', WEB), 'service/web created (server dry run)\n');
  assert.match(await fails('get svc web'), /NotFound/);
  await ok('apply -f -', WEB);
  const changed = WEB.replace('targetPort: 8080', 'targetPort: 8081');
  assert.equal(await ok('apply --dry-run=server -f -', changed), 'service/web configured (server dry run)\n');
  assert.equal(
    await ok('apply --server-side --force-conflicts --dry-run=server -f -', changed),
    'service/web serverside-applied (server dry run)\n',
  );
  assert.equal(await ok('delete svc web --dry-run=server'), 'service "web" deleted (server dry run)\n');
  assert.equal(await ok("get svc web -o 'jsonpath={.spec.ports[0].targetPort}'"), '8080');
  assert.match(
    await fails('apply --dry-run=server -f -', WEB.replace('port: 80,', 'port: 0,')),
    /spec\.ports\[0\]\.port/,
  );
});

test('--watch and wait see changes as they come', options, async (context) => {
  const { ok, start } = await startKubectl(context);
  const watching = start('get svc --watch');
  await watching.line(/^kubernetes /);
  await ok('apply -f -', WEB);
  await watching.line(/^web .*<pending>/);
  const waiting = start(
    "wait svc/web --for=jsonpath='{.status.loadBalancer.ingress[0].ip}'=192.0.2.7 --timeout=10s".replaceAll(
      "'",
      '',
    ),
  );
  await ok(
    `patch svc web --subresource=status --type=merge -p '{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.7"}]}}}'`,
  );
  assert.equal(await waiting.line(/condition met/), 'service/web condition met');
  await watching.line(/^web .* 192\.0\.2\.7 /);
  const condition = start('wait svc/web --for=condition=cleat.dev/AddressReady --timeout=10s');
  const ready = {
    type: 'cleat.dev/AddressReady',
    status: 'True',
    reason: 'Allocated',
    message: 'x',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  await ok(
    `patch svc web --subresource=status --type=merge -p '${JSON.stringify({ status: { conditions: [ready] } })}'`,
  );
  await condition.line(/condition met/);
  await ok(`patch svc web --type=merge -p '{"metadata":{"finalizers":["x.io/y"]}}'`);
  await ok('delete svc web --wait=false');
  await Promise.all([
    ok('wait svc/web --for=delete --timeout=10s'),
    ok(`patch svc web --type=merge -p '{"metadata":{"finalizers":null}}'`),
  ]);
  watching.stop();
});

test('events are listed, and described with their object', options, async (context) => {
  const { api, ok } = await startKubectl(context);
  await ok('apply -f -', WEB);
  const uid = await ok("get svc web -o 'jsonpath={.metadata.uid}'");
  const now = new Date().toISOString();
  const { code, text } = await api.ask('POST', '/api/v1/namespaces/default/events', {
    body: {
      metadata: { generateName: 'web-' },
      involvedObject: { kind: 'Service', apiVersion: 'v1', namespace: 'default', name: 'web', uid },
      type: 'Normal',
      reason: 'IPAllocated',
      message: 'Assigned IP ["192.0.2.1"]',
      source: { component: 'metallb-controller' },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    },
  });
  assert.equal(code, 201, text);
  assert.match(
    await ok('events --for svc/web'),
    /Normal +IPAllocated +Service\/web +Assigned IP \["192\.0\.2\.1"\]/,
  );
  assert.match(
    await ok('get events'),
    /LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n\d+s +Normal +IPAllocated +service\/web +Assigned/,
  );
  assert.match(await ok('describe svc web'), /Normal +IPAllocated +\d+s +metallb-controller +Assigned IP/);
});

test(
  'custom resources: established, validated, pruned, defaulted, explained, gone with their definition',
  options,
  async (context) => {
    const { ok, fails } = await startKubectl(context);
    await ok('apply -f -', WIDGETS);
    await ok('wait --for=condition=Established crd/widgets.example.com --timeout=10s');
    assert.equal(await ok('apply -f -', WIDGET), 'widget.example.com/w created\n');
    assert.match(await ok('get wd'), /^NAME +SIZE\nw +3\n$/);
    assert.equal(await ok("get wd w -o 'jsonpath={.spec.color} {.metadata.generation}'"), 'red 1');
    assert.match(
      await fails('apply -f -', WIDGET.replace('size: 3', 'size: 0')),
      /The Widget "w" is invalid: spec\.size: Invalid value: 0/,
    );
    assert.match(
      await fails('apply -f -', WIDGET.replace('size: 3', 'size: 3, foo: 1')),
      /strict decoding error: unknown field "spec\.foo"/,
    );
    const lax = await ok('apply --validate=ignore -f -', WIDGET.replace('size: 3', 'size: 5, foo: 1'));
    assert.equal(lax, 'widget.example.com/w configured\n');
    assert.equal(await ok("get wd w -o 'jsonpath={.spec}'"), '{"color":"red","size":5}');
    assert.equal(
      await ok('apply --server-side --force-conflicts -f -', WIDGET),
      'widget.example.com/w serverside-applied\n',
    );
    assert.match(await ok('explain widget.spec.size'), /FIELD: size <integer>(.|\n)*In inches\./);
    assert.match(await ok('describe widget w'), /Kind: +Widget(.|\n)*Size: +3/);
    await ok('delete crd widgets.example.com');
    assert.match(
      await fails('get widgets'),
      /could not find the requested resource|doesn't have a resource type/,
    );
  },
);

test('namespaces and finalizers', options, async (context) => {
  const { ok, fails } = await startKubectl(context);
  const team =
    'apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: team, finalizers: [x.io/y]}\n';
  await ok('apply -f -', team);
  await ok('delete ns team --wait=false');
  assert.match(await ok('get ns team'), /Terminating/);
  assert.match(await fails('create -n team -f -', WEB), /because it is being terminated/);
  await ok(`patch cm a -n team --type=json -p '[{"op":"remove","path":"/metadata/finalizers"}]'`);
  await ok('wait --for=delete ns/team --timeout=10s');
  assert.match(await fails('apply -n nowhere -f -', WEB), /namespaces "nowhere" not found/);
  assert.match(
    await ok('create -f -', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: made-}\n'),
    /^configmap\/made-[a-z0-9]{5} created\n$/,
  );
});

test(
  'diff, annotate, label, replace; explain, api-resources, version, raw; what is refused',
  options,
  async (context) => {
    const { ok, fails } = await startKubectl(context);
    await ok('apply -f -', WEB);
    assert.equal(await ok('annotate svc web a=b'), 'service/web annotated\n');
    assert.equal(await ok('label svc web c=d'), 'service/web labeled\n');
    const stored = await ok('get svc web -o yaml');
    assert.equal(await ok('replace -f -', stored), 'service/web replaced\n');
    await ok('label svc web c=e --overwrite');
    assert.match(
      await fails('replace -f -', stored),
      /the object has been modified; please apply your changes to the latest version/,
    );
    assert.match(await ok('explain svc.spec.type'), /FIELD: type <(string|enum)>/);
    assert.match(await ok('api-resources'), /^services +svc +v1 +true +Service$/m);
    assert.match(await ok('version'), /Server Version: v1\.34\.\d+\+cleat/);
    assert.equal(await ok('get --raw /readyz'), 'ok');
    assert.match(await fails('get svc --as=bob'), /does not impersonate others/);
    assert.match(await fails('get svc --field-selector spec.foo=1'), /field label not supported: spec\.foo/);
  },
);

test('create sends protobuf, which is understood', options, async (context) => {
  const { ok, fails } = await startKubectl(context);
  assert.equal(await ok('create namespace team'), 'namespace/team created\n');
  assert.equal(await ok('create configmap c --from-literal=a=b -n team'), 'configmap/c created\n');
  assert.equal(await ok("get cm c -n team -o 'jsonpath={.data}'"), '{"a":"b"}');
  assert.equal(await ok('create secret generic s --from-literal=a=b'), 'secret/s created\n');
  assert.equal(await ok("get secret s -o 'jsonpath={.data.a}'"), 'Yg==');
  assert.equal(await ok('create service loadbalancer web --tcp=80:8080'), 'service/web created\n');
  assert.match(await ok('get svc web --no-headers'), /^web +LoadBalancer .* 80:3\d{4}\/TCP /);
  assert.match(await fails('create service loadbalancer web --tcp=80:8080'), /services "web" already exists/);
  assert.equal(await ok('delete namespace team'), 'namespace "team" deleted\n');
  assert.match(await fails('create deployment d --image=x'), /could not find the requested resource/);
});
