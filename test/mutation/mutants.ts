/**
 * Small mistakes that could have been made in a source file, found in its syntax tree. Types, texts and what is thrown stay
 * as they are: nothing is learnt from a test that compares messages letter by letter.
 */
import ts from 'typescript';

/** One mistake: `original` at `start` becomes `mutated`. */
export interface Mutant {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly original: string;
  /** Empty where a statement is left out. */
  readonly mutated: string;
}

/** Binary operators and what they are taken for; `left` leaves out the operator and its right side. */
const binary: Readonly<Record<string, readonly string[]>> = {
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '**': ['*'],
  '<': ['<=', '>='],
  '<=': ['<'],
  '>': ['>=', '<='],
  '>=': ['>'],
  '===': ['!=='],
  '!==': ['==='],
  '&&': ['||', 'left'],
  '||': ['&&', 'left'],
  '??': ['left'],
  '+=': ['-=', '='],
  '-=': ['+='],
  '*=': ['/='],
  '/=': ['*='],
};

/** Methods and what they are taken for. */
const methods: Readonly<Record<string, string>> = {
  some: 'every',
  every: 'some',
  min: 'max',
  max: 'min',
  floor: 'ceil',
  ceil: 'floor',
};

/** Methods that give back more or less what they are called on, so that the call may have been forgotten. */
const forgettable = new Set(['slice', 'sort', 'reverse', 'filter', 'abs', 'round', 'trunc', 'fround', 'sqrt']);

/** All mistakes in a file, in the order of the text. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
  const found: Mutant[] = [];
  const add = (node: ts.Node, mutated: string) => {
    const [start, end] = [node.getStart(source), node.getEnd()];
    const line = source.getLineAndCharacterOfPosition(start).line + 1;
    found.push({ file, line, start, end, original: text.slice(start, end), mutated });
  };
  const textOf = (node: ts.Node) => node.getText(source);
  const visit = (node: ts.Node): void => {
    if (isLeftAlone(node)) return;
    if (ts.isBinaryExpression(node)) {
      const [left, right] = [textOf(node.left), textOf(node.right)];
      for (const other of binary[textOf(node.operatorToken)] ?? [])
        add(node, other === 'left' ? left : `${left} ${other} ${right}`);
    } else if (ts.isPrefixUnaryExpression(node)) {
      if (node.operator === ts.SyntaxKind.ExclamationToken) add(node, textOf(node.operand));
      if (node.operator === ts.SyntaxKind.MinusToken) add(node, textOf(node.operand));
      if (node.operator === ts.SyntaxKind.PlusPlusToken) add(node, `--${textOf(node.operand)}`);
    } else if (ts.isPostfixUnaryExpression(node)) {
      add(node, `${textOf(node.operand)}${node.operator === ts.SyntaxKind.PlusPlusToken ? '--' : '++'}`);
    } else if (ts.isNumericLiteral(node) && !isName(node)) {
      add(node, node.text === '0' ? '1' : `(${textOf(node)} + 1)`);
      if (node.text === '1') add(node, '0');
    } else if (node.kind === ts.SyntaxKind.TrueKeyword) add(node, 'false');
    else if (node.kind === ts.SyntaxKind.FalseKeyword) add(node, 'true');
    else if (ts.isConditionalExpression(node)) {
      add(node, textOf(node.whenTrue));
      add(node, textOf(node.whenFalse));
    } else if (ts.isIfStatement(node) && !ts.isThrowStatement(node.thenStatement)) {
      add(node.expression, 'true');
      add(node.expression, 'false');
    } else if (ts.isCallExpression(node)) mutateCall(node);
    else if (ts.isExpressionStatement(node)) add(node, '');
    ts.forEachChild(node, visit);
  };
  const mutateCall = (node: ts.CallExpression) => {
    const called = node.expression;
    if (!ts.isPropertyAccessExpression(called) || node.flags & ts.NodeFlags.OptionalChain) return;
    const owner = textOf(called.expression);
    const other = methods[called.name.text];
    if (other) add(node, `${owner}.${other}(${node.arguments.map(textOf).join(', ')})`);
    if (forgettable.has(called.name.text)) add(node, owner === 'Math' ? textOf(node.arguments[0]!) : owner);
  };
  ts.forEachChild(source, visit);
  return found;
}

function isLeftAlone(node: ts.Node): boolean {
  if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return true;
  if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isThrowStatement(node)) return true;
  return ts.isNewExpression(node) && /Error$/.test(node.expression.getText());
}

/** Whether a number names a property. */
const isName = ({ parent }: ts.Node): boolean => ts.isPropertyAssignment(parent) && ts.isNumericLiteral(parent.name);
