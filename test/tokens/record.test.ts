// Records are shared, so nobody may change one. `readonly` refuses it but for casts and functions such as Object.assign().
import assert from 'node:assert/strict'
import { it } from 'node:test'
import ts from 'typescript'
import { ROOT } from '../docs/workspace.ts'

/** A file that only this test has, and what is in it. */
const SAMPLE = 'sample.ts'
const DECLARED = "import type { SessionRecord } from './src/token/record.ts'\ndeclare const record: SessionRecord, loose: { -readonly [Name in keyof SessionRecord]: SessionRecord[Name] }, other: any\n"
const CHANGES = [
  '(record as { id: unknown }).id = null', "(record as any)['id'] ??= null", '(<any>record!).writtenAt += 1', '(record as any).writtenAt++', 'delete (record as any).place', 'loose.id = null',
  'Object.assign(record, { id: null })', 'Object.assign(record as object, other)', "Object.defineProperty(record, 'id', {})", 'Object.defineProperties(record, {})', "Reflect.set(record, 'id', null)"
]
const OTHERS = ['Object.assign({}, record)', 'other.record = record', 'other.id = -record.writtenAt', 'delete other[record.writtenAt]', 'const copy = { ...record }; copy.id = null']

const { fileNames, options } = ts.parseJsonConfigFileContent(ts.readConfigFile(`${ROOT}tsconfig.json`, ts.sys.readFile).config, ts.sys, ROOT)
const host = ts.createCompilerHost(options)
const parse = host.getSourceFile.bind(host)
host.getSourceFile = (name, version, ...rest) => name.endsWith(`/${SAMPLE}`) ? ts.createSourceFile(name, DECLARED + [...CHANGES, ...OTHERS].join('\n;'), version) : parse(name, version, ...rest)
const program = ts.createProgram([...fileNames.filter(name => name.includes('/src/')), `${ROOT}${SAMPLE}`], options, host)
const checker = program.getTypeChecker()
const ofSource = program.getSourceFiles().filter(({ fileName }) => fileNames.includes(fileName))
const declared = ofSource.find(({ fileName }) => fileName.endsWith('/src/token/record.ts'))?.statements.find(each => ts.isInterfaceDeclaration(each) && each.name.text === 'SessionRecord')
const sessionRecord = checker.getTypeAtLocation(declared ?? assert.fail('there is no SessionRecord')) as ts.InterfaceType
const symbols = [sessionRecord, ...checker.getBaseTypes(sessionRecord)].map(({ symbol }) => symbol)
const properties = sessionRecord.getProperties().flatMap(({ declarations = [] }) => declarations)

function isRecord (given: ts.Type): boolean {
  const type = checker.getApparentType(given)
  if (type.isUnionOrIntersection()) return type.types.some(isRecord)
  const isMapped = ((type as ts.ObjectType).objectFlags & ts.ObjectFlags.Mapped) !== 0 // such as Partial<SessionRecord>
  return symbols.includes(type.symbol) || (isMapped && type.getProperties().some(({ declarations }) => declarations?.some(each => properties.includes(each))))
}

/** The object of which a node sets or deletes a property, if it does. */
function changedBy (node: ts.Node): ts.Expression | undefined {
  if (ts.isCallExpression(node)) return /^(Object\.(assign|define)|Reflect\.(set|define|delete))/.test(node.expression.getText()) ? node.arguments[0] : undefined
  const isAssignment = ts.isBinaryExpression(node) && node.operatorToken.kind >= ts.SyntaxKind.FirstAssignment && node.operatorToken.kind <= ts.SyntaxKind.LastAssignment
  const isCount = ts.isPostfixUnaryExpression(node) || (ts.isPrefixUnaryExpression(node) && [ts.SyntaxKind.PlusPlusToken, ts.SyntaxKind.MinusMinusToken].includes(node.operator))
  const target = isAssignment ? node.left : isCount ? node.operand : ts.isDeleteExpression(node) ? node.expression : node
  return target !== node && (ts.isPropertyAccessExpression(target) || ts.isElementAccessExpression(target)) ? target.expression : undefined
}

/** True for a record, and for one in any number of casts. */
function holdsRecord (node: ts.Expression): boolean {
  return isRecord(checker.getTypeAtLocation(node)) || ((ts.isParenthesizedExpression(node) || ts.isAssertionExpression(node) || ts.isNonNullExpression(node)) && holdsRecord(node.expression))
}

function changesIn (node: ts.Node, found: string[] = []): string[] {
  const object = changedBy(node)
  if (object !== undefined && holdsRecord(object)) found.push(node.getText())
  ts.forEachChild(node, child => { changesIn(child, found) })
  return found
}

it('each change of a record is found, and nothing else', () => assert.deepEqual(changesIn(program.getSourceFile(`${ROOT}${SAMPLE}`)!), CHANGES)) // it is in the program
it('no property of a record is assigned outside of the function that makes it', () => assert.deepEqual(ofSource.flatMap(file => changesIn(file)), []))
it('every property of a record is readonly', () => assert.deepEqual(properties.filter(each => !(ts.getCombinedModifierFlags(each) & ts.ModifierFlags.Readonly)).map(each => each.getText()), []))
