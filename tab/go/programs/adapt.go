package programs

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// What the interpreter lacks is put into a script as calls of commands and files that no script
// can name by chance.
const (
	own = "\x01"
	// startJob starts a background job, and endJob is its last command; keepInput keeps its
	// input in a file and writes its name; openFile opens a descriptor above 2.
	startJob, endJob    = own + "job", own + "end"
	keepInput, openFile = own + "keep", own + "open"
	// refuse says what is not here.
	refuse = own + "refuse"
	// printFunctions is `declare -f`.
	printFunctions = own + "declare"
	descriptors    = "/dev/fd/" + own
	// Variables of the shell's name, its process and its last job: $0, $$ and $!.
	shellName, shellNumber, lastJob = "_shell_name", "_shell_number", "_last_job"
)

var ownVariables = map[string]string{"0": shellName, "$": shellNumber, "!": lastJob}

// adapt changes a statement so that the interpreter can run it: background jobs get a number
// and can be ended, $0 and $$ are this shell's, <(…) is a file, and descriptors above 2 can be
// opened by `exec` and written.
func (s *shell) adapt(statement *syntax.Stmt) *syntax.Stmt {
	syntax.Walk(statement, func(node syntax.Node) bool {
		switch node := node.(type) {
		case *syntax.ParamExp:
			if node.Param != nil && ownVariables[node.Param.Value] != "" {
				node.Param.Value = ownVariables[node.Param.Value]
				// $name without braces would go on with what follows, when it is printed.
				node.Short = false
			}
		case *syntax.Word:
			adaptProcSubsts(node.Parts)
		case *syntax.Stmt:
			s.adaptStatement(node)
		}
		return true
	})
	return statement
}

// adaptProcSubsts puts the name of a file in place of <(…), and a message in place of >(…).
func adaptProcSubsts(parts []syntax.WordPart) {
	for i, part := range parts {
		substitution, is := part.(*syntax.ProcSubst)
		switch {
		case !is:
		case substitution.Op != syntax.CmdIn:
			parts[i] = &syntax.CmdSubst{Stmts: []*syntax.Stmt{callOf(refuse, ">(…) is not here")}}
		default:
			block := &syntax.Stmt{Cmd: &syntax.Block{Stmts: substitution.Stmts}}
			pipe := &syntax.BinaryCmd{Op: syntax.Pipe, X: block, Y: callOf(keepInput)}
			parts[i] = &syntax.CmdSubst{Stmts: []*syntax.Stmt{{Cmd: pipe}}}
		}
	}
}

// textOf returns a statement as text.
func textOf(statement *syntax.Stmt) string {
	var out strings.Builder
	syntax.NewPrinter().Print(&out, statement)
	return out.String()
}

// callOf returns a statement that calls a command.
func callOf(words ...string) *syntax.Stmt {
	call := &syntax.CallExpr{}
	for _, word := range words {
		call.Args = append(call.Args, literal(word))
	}
	return &syntax.Stmt{Cmd: call}
}

func literal(text string) *syntax.Word {
	return &syntax.Word{Parts: []syntax.WordPart{&syntax.SglQuoted{Value: text}}}
}

// adaptStatement changes a background job to a call that starts it, and descriptors above 2.
func (s *shell) adaptStatement(statement *syntax.Stmt) {
	if statement.Background && !statement.Coprocess {
		job := *statement
		job.Background = false
		position := statement.Position
		// Walk goes on below the call, and not below the job.
		*statement = *callOf(startJob, textOf(s.adapt(&job)))
		statement.Position = position
		return
	}
	adaptDeclare(statement)
	call, isCall := statement.Cmd.(*syntax.CallExpr)
	isExec := isCall && len(call.Args) == 1 && call.Args[0].Lit() == "exec"
	var redirections []*syntax.Redirect
	var opened []*syntax.Stmt
	for _, redirection := range statement.Redirs {
		if redirection.N != nil && isAbove2(redirection.N.Value) {
			if isExec {
				opened = append(opened, openCall(redirection))
				continue
			}
			if redirection.Word.Lit() == "-" {
				continue
			}
		}
		target := redirection.Word.Lit()
		if redirection.Op == syntax.DplOut && isAbove2(target) {
			redirection.Op, redirection.Word = syntax.AppOut, literal(descriptors+target)
		} else if redirection.Op == syntax.DplIn && isAbove2(target) {
			redirection.Op, redirection.Word = syntax.RdrIn, literal(descriptors+target)
		}
		redirections = append(redirections, redirection)
	}
	statement.Redirs = redirections
	if len(opened) > 0 {
		exec := *statement
		if len(redirections) > 0 {
			opened = append(opened, &exec)
		}
		statement.Cmd, statement.Redirs = &syntax.Block{Stmts: opened}, nil
	}
}

func isAbove2(number string) bool {
	return number != "" && strings.Trim(number, "0123456789") == "" &&
		number != "0" && number != "1" && number != "2"
}

// openCall returns a call that opens a descriptor.
func openCall(redirection *syntax.Redirect) *syntax.Stmt {
	statement := callOf(openFile, redirection.N.Value, redirection.Op.String())
	call := statement.Cmd.(*syntax.CallExpr)
	call.Args = append(call.Args, redirection.Word)
	return statement
}

// adaptText does so with a script that `eval` or `trap` gets as a word; what is no script stays.
func (s *shell) adaptText(text string) string {
	file, err := newParser().Parse(strings.NewReader(text), "")
	if err != nil {
		return text
	}
	for _, statement := range file.Stmts {
		s.adapt(statement)
	}
	var out strings.Builder
	if syntax.NewPrinter().Print(&out, file) != nil {
		return text
	}
	return out.String()
}
