package lint

import (
	"bytes"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"text/template/parse"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// hubFields are what templates see of the hub.
func hubFields() []string { return []string{"name", "pods", "repositories"} }

// checkTemplates judges the actions of the Bead's templates, and reports parameters that none of them uses.
func (l *linter) checkTemplates() {
	used := make(map[string]bool)
	check := func(file string, content []byte, firstLine int) {
		u := uses{linter: l, file: file, content: content, firstLine: firstLine, used: used}
		u.check()
	}
	for _, part := range bead.Parts() {
		files := l.folder.Templates(part)
		if helpers := path.Join(string(part), "_helpers.tpl"); l.files[helpers] != nil {
			files[helpers] = l.files[helpers]
		}
		for name, content := range files.All() {
			check(name, content, 1)
		}
	}
	for _, application := range l.folder.Spec.Applications {
		check(bead.FileName, []byte(application.Values), l.valuesLine(application.Name))
	}
	for _, name := range slices.Sorted(maps.Keys(l.folder.Spec.Parameters)) {
		if !used[name] && !used[everything] {
			l.beadFault(ruleParameterUsed, strictyaml.Key("spec.parameters", name),
				"nothing uses it: take it out, or use {{ .Values.%s }}", name)
		}
	}
}

// everything is what is used where .Values is used as a whole.
const everything = "*"

// uses finds what a template uses of the values.
type uses struct {
	*linter
	file      string
	content   []byte
	firstLine int // the file's line in which the content begins
	used      map[string]bool
}

// backstage is an expression of Backstage's templates, which Helm does not see.
var backstage = regexp.MustCompile(`(?s)\$\{\{.*?\}\}`)

// withoutBackstage puts Backstage's expressions out of sight, and leaves every letter in its place.
func withoutBackstage(content []byte) string {
	return string(backstage.ReplaceAllFunc(content, func(expression []byte) []byte {
		return bytes.ReplaceAll(bytes.ReplaceAll(expression, []byte("{{"), []byte("[[")), []byte("}}"), []byte("]]"))
	}))
}

// parseFault is how the template package says what is wrong.
var parseFault = regexp.MustCompile(`(?s)^template: [^:]*:(\d+): (.*)$`)

func (u *uses) check() {
	tree := parse.New(u.file)
	tree.Mode = parse.SkipFuncCheck // which functions there are is Helm's to say, when it renders
	trees := make(map[string]*parse.Tree)
	if _, err := tree.Parse(withoutBackstage(u.content), "", "", trees); err != nil {
		line, message := 1, err.Error()
		if found := parseFault.FindStringSubmatch(message); found != nil {
			line, _ = strconv.Atoi(found[1])
			message = found[2]
		}
		u.report(ruleTemplate, u.file, u.firstLine+line-1, 0, "is no template: %s", message)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(trees)) {
		u.walk(trees[name].Root)
	}
}

// walk looks at a node and those below it.
func (u *uses) walk(node parse.Node) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, item := range n.Nodes {
				u.walk(item)
			}
		}
	case *parse.ActionNode:
		u.walk(n.Pipe)
	case *parse.IfNode:
		u.branch(&n.BranchNode)
	case *parse.RangeNode:
		u.branch(&n.BranchNode)
	case *parse.WithNode:
		u.branch(&n.BranchNode)
	case *parse.TemplateNode:
		u.walk(n.Pipe)
	case *parse.PipeNode:
		if n != nil {
			for _, command := range n.Cmds {
				u.walk(command)
			}
		}
	case *parse.CommandNode:
		for _, arg := range n.Args {
			u.walk(arg)
		}
	case *parse.ChainNode:
		u.walk(n.Node)
	case *parse.FieldNode:
		u.field(n.Ident, n.Position())
	case *parse.VariableNode:
		if n.Ident[0] == "$" {
			u.field(n.Ident[1:], n.Position())
		}
	}
}

func (u *uses) branch(n *parse.BranchNode) {
	u.walk(n.Pipe)
	u.walk(n.List)
	u.walk(n.ElseList)
}

// field judges a chain of fields such as .Values.hub.name.
func (u *uses) field(names []string, position parse.Pos) {
	if len(names) == 0 || names[0] != "Values" {
		return
	}
	if len(names) == 1 {
		u.used[everything] = true
		return
	}
	name := names[1]
	u.used[name] = true
	if name == "hub" {
		if len(names) > 2 && !slices.Contains(hubFields(), names[2]) {
			u.undeclared(position, ".Values.hub."+names[2],
				"the hub has no such field: "+strictyaml.OneOf(names[2], hubFields()))
		}
		return
	}
	if _, ok := u.folder.Spec.Parameters[name]; ok || u.folder.Document.Unread("spec.parameters") {
		return
	}
	known := append(slices.Sorted(maps.Keys(u.folder.Spec.Parameters)), "hub")
	u.undeclared(position, ".Values."+name, "no parameter is called so: "+strictyaml.OneOf(name, known))
}

func (u *uses) undeclared(position parse.Pos, what, why string) {
	before := u.content[:min(int(position), len(u.content))]
	column := len(before) - bytes.LastIndexByte(before, '\n')
	u.report(ruleValue, u.file, u.firstLine+lineAt(u.content, len(before))-1, column, "%s: %s", what, why)
}
