package programs

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// Session is what the scripts of one reader have in common, as if they were typed into one shell:
// variables, functions, the directory and $?. Scripts may run at the same time; what one of them
// changes is there for those that start after its end.
type Session struct {
	lock      sync.Mutex
	variables map[string]expand.Variable
	functions map[string]*syntax.Stmt
	dir       string
	code      int
}

// sessionStart is what a script finds: a copy, with which the end is compared.
type sessionStart struct {
	*Session
	variables environ
	functions map[string]*syntax.Stmt
	dir       string
	code      int
}

// begin returns what a script finds in an environment and a directory.
func (s *Session) begin(variables environ, dir string) *sessionStart {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.dir != "" {
		dir = s.dir
	}
	variables.kept = map[string]expand.Variable{}
	for name, variable := range s.variables {
		variable.List = slices.Clone(variable.List)
		variable.Indexes = slices.Clone(variable.Indexes)
		variable.Map = maps.Clone(variable.Map)
		variables.kept[name] = variable
	}
	return &sessionStart{s, variables, maps.Clone(s.functions), dir, s.code}
}

// prepare gives a new interpreter the functions and $?.
func (s *sessionStart) prepare(shell *shell) {
	shell.runner.Reset()
	shell.runner.Funcs = maps.Clone(s.functions)
	if s.code != 0 {
		file, err := newParser().Parse(strings.NewReader(fmt.Sprintf("(exit %d)", s.code)), "")
		if err == nil {
			shell.runner.Run(shell.ctx, file.Stmts[0])
		}
	}
}

// end keeps what the script has changed, and its exit code.
func (s *sessionStart) end(runner *interp.Runner, code int) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.Session.variables == nil {
		s.Session.variables, s.Session.functions = map[string]expand.Variable{},
			map[string]*syntax.Stmt{}
	}
	for name, variable := range runner.Vars {
		isOwn := name == shellNumber || name == lastJob || name == "PWD"
		if !isOwn && !reflect.DeepEqual(variable, s.variables.Get(name)) {
			s.Session.variables[name] = variable
		}
	}
	for name := range s.functions {
		if _, isDefined := runner.Funcs[name]; !isDefined {
			delete(s.Session.functions, name)
		}
	}
	for name, function := range runner.Funcs {
		if s.functions[name] != function {
			s.Session.functions[name] = function
		}
	}
	if runner.Dir != s.dir {
		s.Session.dir = runner.Dir
	}
	s.Session.code = code
}
