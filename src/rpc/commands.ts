import type { CanConfig } from '#contract/adapter.ts';
import type { DidText } from '#contract/definition.ts';
import type { Settings } from '#contract/records.ts';
import type { UsbIdentity } from '#contract/transport.ts';
import type {
  ApproveCommand,
  ParameterChange,
  PlanCodingCommand,
  PlanRestoreCommand,
  SerialChoice,
  ShopCodeChoice,
} from '#contract/vehicle-api.ts';
import { CommandParser } from '#rpc/parse.ts';

/** Parsers of the commands of `VehicleApi`, one per shape. All throw `rpc/malformed-call`. */
const MAX_CHANGES = 500;
const MAX_RAW_BLOCKS = 64;

export function parseModuleCommand(
  method: string,
  value: unknown,
): { readonly commandId: string; readonly moduleId: string } {
  const parser = new CommandParser(method);
  const { commandId, moduleId } = parser.object(value);
  return { commandId: parser.text(commandId, 'commandId'), moduleId: parser.text(moduleId, 'moduleId') };
}

export function parseOperationCommand(
  method: string,
  value: unknown,
): { readonly commandId: string; readonly operationId: string } {
  const parser = new CommandParser(method);
  const { commandId, operationId } = parser.object(value);
  return { commandId: parser.text(commandId, 'commandId'), operationId: parser.text(operationId, 'operationId') };
}

export function parseApprove(value: unknown): ApproveCommand {
  const parser = new CommandParser('approve');
  const { commandId, planId, typed, tryKeyAgain } = parser.object(value);
  return {
    commandId: parser.text(commandId, 'commandId'),
    planId: parser.text(planId, 'planId'),
    typed: parser.optionalText(typed, 'typed', 40),
    tryKeyAgain: tryKeyAgain === undefined ? false : parser.flag(tryKeyAgain, 'tryKeyAgain'),
  };
}

const BIT_RATES = [
  10_000, 20_000, 50_000, 83_300, 100_000, 125_000, 250_000, 500_000, 800_000, 1_000_000,
] as const satisfies readonly CanConfig['bitRate'][];

export function parseSerialChoice(value: unknown): SerialChoice {
  const parser = new CommandParser('connectSerial');
  const { usb, wireless, bitRate, adapter, chosen } = parser.object(value);
  const rate = BIT_RATES.find((known) => known === bitRate);
  if (bitRate !== undefined && rate === undefined) parser.fail('bitRate is no bit rate of a CAN bus');
  return {
    usb: usb === null || usb === undefined ? null : parseUsb(parser, usb),
    ...(wireless === undefined ? {} : { wireless: parser.flag(wireless, 'wireless') }),
    ...(rate === undefined ? {} : { bitRate: rate }),
    ...(adapter === undefined ? {} : { adapter: parser.text(adapter, 'adapter', 1000) }),
    ...(chosen === undefined ? {} : { chosen: parser.flag(chosen, 'chosen') }),
  };
}

export function parseCheckAdapter(value: unknown): { readonly commandId: string } {
  const parser = new CommandParser('checkAdapter');
  return { commandId: parser.text(parser.object(value).commandId, 'commandId') };
}

/** Who signs: not blank, at most 80 characters. */
export function parseName(method: string, value: unknown): string {
  const parser = new CommandParser(method);
  const name = parser.text(parser.object(value).name, 'name', 80).trim();
  if (name === '') parser.fail('name is blank');
  return name;
}

function parseUsb(parser: CommandParser, value: unknown): UsbIdentity {
  const { vendorId, productId } = parser.object(value, 'usb');
  return {
    vendorId: parser.whole(vendorId, 'usb.vendorId', 0, 0xffff),
    productId: parser.whole(productId, 'usb.productId', 0, 0xffff),
  };
}

/** A meter reading, 0–60 V, and who signs it. */
export function parseTypedVoltage(value: unknown): {
  readonly volts: number;
  readonly name: string;
  readonly stabiliser: string;
} {
  const parser = new CommandParser('typeVoltage');
  const { volts, name, stabiliser } = parser.object(value);
  if (typeof volts !== 'number' || !(volts >= 0 && volts <= 60)) return parser.fail('volts is no voltage of a car');
  return {
    volts: Math.round(volts * 100) / 100,
    name: parser.text(name, 'name', 80).trim(),
    stabiliser: parser.optionalText(stabiliser, 'stabiliser', 80)?.trim() ?? '',
  };
}

export function parsePlanCoding(value: unknown): PlanCodingCommand {
  const parser = new CommandParser('planCoding');
  const { commandId, moduleId, changes, raw, shopCode } = parser.object(value);
  const head = {
    commandId: parser.text(commandId, 'commandId'),
    moduleId: parser.text(moduleId, 'moduleId'),
    changes: parser.list(changes, 'changes', MAX_CHANGES, (one, where): ParameterChange => {
      const change = parser.object(one, where);
      const parameterId = parser.text(change.parameterId, `${where}.parameterId`);
      if (typeof change.value === 'number')
        return { parameterId, value: parser.whole(change.value, `${where}.value`, 0, 0xffff_ffff) };
      return { parameterId, value: parser.text(change.value, `${where}.value`, 256) };
    }),
    shopCode: parseShopCode(parser, shopCode),
  };
  if (raw === undefined) return head;
  return {
    ...head,
    raw: parser.list(raw, 'raw', MAX_RAW_BLOCKS, (one, where) => {
      const block = parser.object(one, where);
      return { did: parseDid(parser, block.did, `${where}.did`), hex: parser.hex(block.hex, `${where}.hex`) };
    }),
  };
}

export function parsePlanRestore(value: unknown): PlanRestoreCommand {
  const parser = new CommandParser('planRestore');
  const { commandId, backupId, moduleId, shopCode } = parser.object(value);
  return {
    commandId: parser.text(commandId, 'commandId'),
    backupId: parser.text(backupId, 'backupId'),
    moduleId: parser.text(moduleId, 'moduleId'),
    shopCode: parseShopCode(parser, shopCode),
  };
}

export function parseSettings(value: unknown): Settings {
  const parser = new CommandParser('saveSettings');
  const { version, shopCode, shopName, expert } = parser.object(value);
  parser.whole(version, 'version', 1, 1);
  const code = shopCode === null ? null : parser.hex(shopCode, 'shopCode', 6);
  if (code !== null && code.length !== 12) parser.fail('shopCode is not 6 bytes');
  return {
    version: 1,
    shopCode: code,
    shopName: parser.optionalText(shopName, 'shopName', 120) ?? '',
    expert: parser.flag(expert, 'expert'),
  };
}

function parseShopCode(parser: CommandParser, value: unknown): ShopCodeChoice {
  const { kind, hex } = parser.object(value, 'shopCode');
  const which = parser.oneOf(kind, 'shopCode.kind', ['settings', 'module', 'typed'] as const);
  return which === 'typed' ? { kind: which, hex: parser.hex(hex, 'shopCode.hex', 16) } : { kind: which };
}

function parseDid(parser: CommandParser, value: unknown, where: string): DidText {
  const did = parser.hex(value, where, 2);
  if (did.length !== 4) parser.fail(`${where} is no identifier of two bytes`);
  return did;
}
