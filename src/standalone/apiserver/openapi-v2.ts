/**
 * The Swagger 2.0 document in protobuf (gnostic openapi.v2): kubectl asks for it in no other form, and only to check objects
 * of `kind: List` itself before it sends their items. It names the kinds that are served and says nothing of their fields,
 * which the server checks and says better.
 */
import type { Definition } from './definition.ts';

/** The media type as kube-apiserver answers; clients also ask with an @, which no answer may have (RFC 9110 section 5.6.2). */
export const OPENAPI_V2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
export const OPENAPI_V2_ASKED: readonly string[] = [
  OPENAPI_V2_PROTOBUF,
  OPENAPI_V2_PROTOBUF.replace('v2.v1', 'v2@v1'),
];

// Field numbers of gnostic-models openapiv2/OpenAPIv2.proto.
const DOCUMENT = { swagger: 1, info: 2, paths: 8, definitions: 9 } as const;
const INFO = { title: 1, version: 2 } as const;
const DEFINITIONS = { entry: 1 } as const;
/** NamedSchema and NamedAny alike. */
const NAMED = { name: 1, value: 2 } as const;
const SCHEMA = { vendorExtension: 31 } as const;
const ANY = { yaml: 2 } as const;

const LENGTH_DELIMITED = 2;

export function encodeOpenApiV2(
  definitions: readonly Definition[],
  info: { readonly title: string; readonly version: string },
): Uint8Array {
  const entries = definitions.map(({ resource: { group, version, kind } }) => {
    // JSON is YAML.
    const kinds = field(ANY.yaml, JSON.stringify([{ group, version, kind }]));
    const extension = [...field(NAMED.name, 'x-kubernetes-group-version-kind'), ...field(NAMED.value, kinds)];
    const schema = field(SCHEMA.vendorExtension, extension);
    const name = [group, version, kind].filter((part) => part !== '').join('.');
    return field(DEFINITIONS.entry, [...field(NAMED.name, name), ...field(NAMED.value, schema)]);
  });
  return Uint8Array.from([
    ...field(DOCUMENT.swagger, '2.0'),
    ...field(DOCUMENT.info, [...field(INFO.title, info.title), ...field(INFO.version, info.version)]),
    ...field(DOCUMENT.paths, []),
    ...field(DOCUMENT.definitions, entries.flat()),
  ]);
}

/** A string, or the bytes of a message. */
function field(number: number, value: string | readonly number[]): number[] {
  const bytes = typeof value === 'string' ? [...new TextEncoder().encode(value)] : value;
  return [...varint((number << 3) | LENGTH_DELIMITED), ...varint(bytes.length), ...bytes];
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
