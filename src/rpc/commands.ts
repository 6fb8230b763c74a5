import type { DidText } from '#contract/definition.ts';
import type { Settings } from '#contract/records.ts';
import type {
  ApproveCommand,
  ParameterChange,
  PlanCodingCommand,
  PlanRestoreCommand,
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
