// A rule of our own for oxlint: what a key that comes from outside finds in an object has to be the object's own.
// `TABLE["constructor"]` is a function of every object's; a Map has no such keys, and `Object.hasOwn` asks first.

const OPEN = /^(?:Json|Filter|LastPlanned)$/;
const WRAPPERS = /^(?:Readonly|Partial|Required|NonNullable)$/;
const GUARDS = /\b(?:Object\.hasOwn|isKeyOf)\(([^()]+), ([^()]+)\)/g;
const MESSAGE =
  "Every object inherits keys such as constructor and __proto__: use a Map, or ask Object.hasOwn of the same object and key first.";

const ownKeys = {
  meta: { type: "problem", schema: [] },
  create(context) {
    const { sourceCode } = context;
    const report = (node, object, key) => {
      if (!isGuarded(node, sourceCode.getText(object), sourceCode.getText(key))) {
        context.report({ node, message: MESSAGE });
      }
    };

    function isGuarded(node, object, key) {
      let scope = node;
      while (scope.parent && !/Function/.test(scope.type)) scope = scope.parent;
      const bare = (text) => text.replace(/^\(|\)$|!$| as .*$/g, "");
      return [...sourceCode.getText(scope).matchAll(GUARDS)].some(
        ([, own, asked]) => bare(own) === bare(object) && bare(asked) === bare(key),
      );
    }

    /** The type that the code itself gives an expression; undefined where it gives none. */
    function typeOf(node) {
      if (node.type === "TSAsExpression" || node.type === "TSSatisfiesExpression") return node.typeAnnotation;
      if (node.type === "TSNonNullExpression") return typeOf(node.expression);
      if (node.type === "Identifier") return declaredType(node);
      if (node.type === "MemberExpression" && node.object.type === "ThisExpression") return fieldType(node);
      return undefined;
    }

    function declaredType(node) {
      for (let scope = sourceCode.getScope(node); scope; scope = scope.upper) {
        const variable = scope.set.get(node.name);
        if (!variable) continue;
        const [definition] = variable.defs;
        const name = definition?.name;
        const init = definition?.node?.init;
        return name?.typeAnnotation?.typeAnnotation ?? (init && typeOf(init));
      }
      return undefined;
    }

    function fieldType({ property, parent }) {
      let owner = parent;
      while (owner && owner.type !== "ClassBody") owner = owner.parent;
      const field = owner?.body.find(({ key }) => key && key.name === property.name);
      return field?.typeAnnotation?.typeAnnotation;
    }

    return {
      MemberExpression(node) {
        if (!node.computed || isFixed(node.property)) return;
        // A key that the code only calls one of the object's is a stranger's until it was asked for.
        if (node.property.type === "TSAsExpression" || isOpen(typeOf(node.object))) {
          report(node, node.object, node.property);
        }
      },
      BinaryExpression(node) {
        if (node.operator === "in" && !isFixed(node.left) && node.left.type !== "PrivateIdentifier") {
          report(node, node.right, node.left);
        }
      },
    };
  },
};

/** Whether a key is written in the code. */
function isFixed(node) {
  return node.type === "Literal" || (node.type === "TemplateLiteral" && node.expressions.length === 0);
}

/** Whether a type is an object of which any text may be a key. */
function isOpen(type) {
  if (type?.type === "TSUnionType" || type?.type === "TSIntersectionType") return type.types.some(isOpen);
  if (type?.type !== "TSTypeReference") return false;
  const [first] = type.typeArguments?.params ?? [];
  const { name } = type.typeName;
  if (WRAPPERS.test(name)) return isOpen(first);
  return OPEN.test(name) || (name === "Record" && first?.type === "TSStringKeyword");
}

export default { meta: { name: "paybell" }, rules: { "own-keys": ownKeys } };
