/** Names, label keys and label values: the rules of k8s.io/apimachinery's validation, with its sentences. */

/** What a resource's names may be: `path` is any path segment (RBAC). */
export type NameRule = 'subdomain' | 'label' | 'dns1035' | 'path';

const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const DNS1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const CONFIG_KEY = '[-._a-zA-Z0-9]+';

const QUALIFIED_WORDS = `must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${QUALIFIED}')`;

/** What is wrong with a name, as sentences that follow the value; empty when nothing is. */
export function faultsOfName(rule: NameRule, name: string): string[] {
  switch (rule) {
    case 'subdomain':
      return faultsOfSubdomain(name);
    case 'label':
      return faultsOfLabel(name);
    case 'dns1035':
      return check(name, 63, DNS1035, () =>
        withExamples(
          "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
          ['my-name', 'abc-123'],
          DNS1035,
        ),
      );
    case 'path':
      return faultsOfPathSegment(name);
  }
}

/** As faultsOfName, for a prefix that gets a suffix: its last dash is no fault. */
export function faultsOfGenerateName(rule: NameRule, prefix: string): string[] {
  return faultsOfName(rule, prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -2)}a` : prefix);
}

export function faultsOfSubdomain(text: string): string[] {
  return check(text, 253, SUBDOMAIN, () =>
    withExamples(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
      ['example.com'],
      SUBDOMAIN,
    ),
  );
}

export function faultsOfLabel(text: string): string[] {
  return check(text, 63, LABEL, () =>
    matches(SUBDOMAIN, text)
      ? 'must not contain dots'
      : withExamples(
          "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
          ['my-name', '123-abc'],
          LABEL,
        ),
  );
}

/** Label and annotation keys, finalizers: a name with an optional DNS subdomain and `/` before it. */
export function faultsOfQualifiedName(text: string): string[] {
  const parts = text.split('/');
  if (parts.length > 2)
    return [
      `a qualified name ${QUALIFIED_WORDS} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  const name = parts.at(-1) ?? '';
  const faults: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    faults.push(
      ...(prefix === '' ? ['must be non-empty'] : faultsOfSubdomain(prefix)).map(
        (fault) => `prefix part ${fault}`,
      ),
    );
  }
  if (name === '') faults.push('name part must be non-empty');
  else if (name.length > 63) faults.push('name part must be no more than 63 characters');
  if (!matches(QUALIFIED, name)) faults.push(`name part ${QUALIFIED_WORDS}`);
  return faults;
}

export function faultsOfLabelValue(text: string): string[] {
  return check(text, 63, `(${QUALIFIED})?`, () =>
    withExamples(
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
      ['MyValue', 'my_value', '12345'],
      `(${QUALIFIED})?`,
    ),
  );
}

/** Keys of ConfigMaps and Secrets. */
export function faultsOfConfigKey(text: string): string[] {
  const faults = check(text, 253, CONFIG_KEY, () =>
    withExamples(
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
      ['key.name', 'KEY_NAME', 'key-name'],
      CONFIG_KEY,
    ),
  );
  if (text === '.' || text === '..') faults.push(`must not be '${text}'`);
  else if (text.startsWith('..')) faults.push("must not start with '..'");
  return faults;
}

/** Names of Service ports' targets (IANA service names). */
export function faultsOfPortName(text: string): string[] {
  const faults: string[] = [];
  if (text.length > 15) faults.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(text))
    faults.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(text)) faults.push('must contain at least one letter (a-z)');
  if (text.includes('--')) faults.push('must not contain consecutive hyphens');
  if (text.startsWith('-') || text.endsWith('-')) faults.push('must not begin or end with a hyphen');
  return faults;
}

function faultsOfPathSegment(text: string): string[] {
  if (text === '.' || text === '..') return [`may not be '${text}'`];
  return ['/', '%'].filter((sign) => text.includes(sign)).map((sign) => `may not contain '${sign}'`);
}

function check(text: string, maxLength: number, pattern: string, words: () => string): string[] {
  const faults: string[] = [];
  if (Buffer.byteLength(text) > maxLength) faults.push(`must be no more than ${maxLength} characters`);
  if (!matches(pattern, text)) faults.push(words());
  return faults;
}

/** Longer text than any name may be fails without being looked at, which also bounds the work. */
function matches(pattern: string, text: string): boolean {
  return text.length <= 1024 && new RegExp(`^(?:${pattern})$`).test(text);
}

/** Two spaces before each `or`: that is how Kubernetes prints it. */
function withExamples(words: string, examples: readonly string[], pattern: string): string {
  return `${words} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${pattern}')`;
}
