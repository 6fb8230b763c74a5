import type { Definition, DefinitionPack, Parameter } from '#contract/definition.ts';

/** Plain mutable copies: what tests change to plant a fault. */
type Loose<T> = T extends readonly (infer Item)[]
  ? Loose<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Loose<T[Key]> }
    : T;
export type LoosePack = Loose<DefinitionPack>;

const both = (text: string) => ({ en: text, de: text });

/** A small good pack: one module, a block of eight bytes with options of every kind, a summed block behind a level. */
export function examplePack(): LoosePack {
  return {
    schemaVersion: 1,
    id: 'example',
    title: both('Example'),
    source: 'test',
    licence: 'Apache-2.0',
    simulated: true,
    vinPrefixes: ['0CBEX'],
    functional: [{ requestId: '700', extendedId: false, responseFrom: '600', responseTo: '7FF' }],
    modules: [
      {
        label: '09',
        shortName: 'BCM',
        title: both('Body'),
        group: both('Comfort'),
        address: { format: 'normal', requestId: '70E', responseId: '778', extendedId: false },
      },
      {
        label: '17',
        shortName: 'IPC',
        title: both('Cluster'),
        group: both('Comfort'),
        address: { format: 'normal', requestId: '714', responseId: '77E', extendedId: false },
      },
    ],
    definitions: [
      {
        id: 'example-body',
        title: both('Body'),
        shortName: 'BCM',
        source: 'test',
        identify: [
          { did: 'F187', rule: { kind: 'equals', text: 'CBAY0937084E' }, near: false },
          { did: 'F189', rule: { kind: 'range', from: '0110', to: '0149' }, near: true },
        ],
        identification: [
          { did: 'F187', role: 'part', title: both('Part'), format: 'ascii' },
          { did: 'F1A5', role: 'shop-code', title: both('Shop code'), format: 'hex' },
        ],
        codingBlocks: [
          {
            id: 'coding',
            title: both('Coding'),
            did: '0600',
            lengthBytes: 8,
            readSession: 3,
            writeSession: 3,
            needsPrelude: true,
          },
          {
            id: 'battery',
            title: both('Battery'),
            did: '0411',
            lengthBytes: 6,
            readSession: 1,
            writeSession: 3,
            securityLevel: 3,
            unstableMask: '0000000000FF',
            checksum: { algorithm: 'sum8', fromByte: 0, toByte: 3, atByte: 4 },
            needsPrelude: false,
          },
        ],
        parameters: [
          parameter('mirrors', { byte: 4, bit: 2, lengthBits: 1 }),
          {
            ...parameter('mirror-dips', { byte: 4, bit: 3, lengthBits: 1 }),
            requires: [{ parameter: 'mirrors', coded: [1], when: [1], reason: both('Needs folding mirrors.') }],
          },
          {
            ...parameter('seconds', { byte: 5, bit: 4, lengthBits: 8 }),
            compu: { kind: 'linear', factor: 0.1, offset: -2, unit: 's', minCoded: 10, maxCoded: 250, stepCoded: 5 },
          },
          { ...parameter('rear-fog', { byte: 1, bit: 0, lengthBits: 1 }), minSoftware: '0140' },
          {
            ...parameter('tyres', { byte: 1, bit: 1, lengthBits: 1 }),
            risk: 'safety',
            verifiedOn: [{ part: 'CBAY0937084E', softwareVersion: '0145' }],
          },
          {
            ...parameter('maker', { byte: 1, bit: 0, lengthBits: 24 }),
            block: 'battery',
            compu: { kind: 'ascii', lengthBytes: 3, pattern: '[A-Z]{1,3}' },
          },
        ],
        prelude: [
          { did: 'F199', title: both('Date'), value: { kind: 'date-bcd-yymmdd' }, optional: false },
          {
            did: 'F198',
            title: both('Shop code'),
            value: { kind: 'shop-code', lengthBytes: 6, currentFrom: 'F1A5' },
            optional: false,
          },
        ],
        securityLevels: [{ level: 3, session: 3, seedBytes: 4, keyBytes: 4, provider: 'simulator' }],
        resetAfterWrite: { type: 2, bootMs: 2000 },
        keepAwake: 'physical',
        ignitionCycle: 'none',
        release: 'none',
        denied: ['2A2E'],
        faults: [{ code: '9A0215', text: both('Interior light') }],
      },
    ],
  };
}

/** A switch called after its id. */
export function parameter(id: string, place: { byte: number; bit: number; lengthBits: number }): Loose<Parameter> {
  return {
    id,
    block: 'coding',
    title: both(id),
    help: both('What it does.'),
    group: both('Options'),
    position: { ...place, endian: 'big' },
    compu: {
      kind: 'texttable',
      values: [
        { coded: 0, text: both('Off') },
        { coded: 1, text: both('On'), factory: true },
      ],
      control: 'switch',
    },
    risk: 'comfort',
    source: 'test',
    verifiedOn: [],
  };
}

export function exampleDefinition(): Loose<Definition> {
  return examplePack().definitions[0]!;
}
