package programs

import (
	"context"
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// printFunctions is `declare -f` with names, in bash's layout.
func (s *shell) printFunctions(ctx context.Context, args []string) error {
	out, code := "", 0
	for _, name := range args[1:] {
		function, isDefined := s.runner.Funcs[name]
		if !isDefined {
			code = 1
			continue
		}
		out += fmt.Sprintf("%s () \n{ \n%s\n}\n", name, bodyOf(function))
	}
	if err := s.write(ctx, out); err != nil || code == 0 {
		return err
	}
	return interp.ExitStatus(code)
}

// bodyOf returns the commands of a function, one a line. Commands within another are printed as
// the interpreter's package does.
func bodyOf(function *syntax.Stmt) string {
	statements := []*syntax.Stmt{function}
	if block, is := function.Cmd.(*syntax.Block); is && len(function.Redirs) == 0 {
		statements = block.Stmts
	}
	printer := syntax.NewPrinter(syntax.Indent(4), syntax.SpaceRedirects(true))
	var texts []string
	for _, statement := range statements {
		var out strings.Builder
		printer.Print(&out, statement)
		lines := strings.Split(out.String(), "\n")
		texts = append(texts, "    "+strings.Join(lines, "\n    "))
	}
	return strings.Join(texts, ";\n")
}

// adaptDeclare puts a call in place of `declare -f NAME`, which the interpreter prints otherwise.
func adaptDeclare(statement *syntax.Stmt) {
	clause, is := statement.Cmd.(*syntax.DeclClause)
	if !is || len(clause.Args) < 2 || clause.Variant.Value != "declare" &&
		clause.Variant.Value != "typeset" {
		return
	}
	words := []*syntax.Word{literal(printFunctions)}
	for number, argument := range clause.Args {
		switch {
		case number == 0 && argument.Value != nil && argument.Value.Lit() == "-f":
		case number > 0 && argument.Naked && argument.Name != nil:
			words = append(words, literal(argument.Name.Value))
		case number > 0 && argument.Naked && argument.Value != nil:
			words = append(words, argument.Value)
		default:
			return
		}
	}
	statement.Cmd = &syntax.CallExpr{Args: words}
}
