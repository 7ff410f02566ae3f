/** In what form a client wants its answer: the first of its Accept header that this server can give. */
import { notAcceptable } from '../errors.ts';

export interface MediaRange {
  /** `application/json`, `*` + `/*`, … lower case. */
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** How objects are written: as they are, as rows of a table, or only their metadata. */
export type Form = 'object' | 'table' | 'metadata';

export function parseAccept(header: string | undefined): MediaRange[] {
  const ranges = (header ?? '').split(',').flatMap((text) => {
    const [type = '', ...parameters] = text.split(';').map((part) => part.trim());
    if (type === '') return [];
    const pairs = parameters.map((parameter) => {
      const [name = '', value = ''] = parameter.split('=');
      return [name.trim().toLowerCase(), value.trim()] as const;
    });
    return [{ type: type.toLowerCase(), parameters: Object.fromEntries(pairs) }];
  });
  return ranges.length === 0 ? [{ type: '*/*', parameters: {} }] : ranges;
}

export function acceptsJson({ type }: MediaRange): boolean {
  return type === 'application/json' || type === 'application/*' || type === '*/*';
}

/** The form of an answer that carries objects. Throws 406 where the client accepts none. */
export function negotiateForm(header: string | undefined): Form {
  for (const range of parseAccept(header)) {
    if (!acceptsJson(range)) continue;
    const { as, g, v } = range.parameters;
    if (as === undefined) return 'object';
    if (g !== 'meta.k8s.io' || v !== 'v1') continue;
    if (as === 'Table') return 'table';
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return 'metadata';
  }
  throw notAcceptable(
    'only the following media types are accepted: application/json, application/json;as=Table;v=v1;g=meta.k8s.io',
  );
}
