package node

import (
	"fmt"
	"path"
	"strings"

	"tab/programs"
)

// words returns the words of a container's program, and whether it ends when it is asked to.
// The first process of a Linux container does not, unless it says so; that of an image here is
// an init, which passes the signal on. A `command` takes the place of that.
func (c *container) words() (words []string, hears bool) {
	if len(c.config.Command) > 0 {
		words = append(append(words, c.config.Command...), c.config.Args...)
		// Programs in Go end, as their runtime sees to it.
		return words, path.Base(words[0]) == "kubectl"
	}
	if len(c.config.Args) > 0 {
		return c.config.Args, true
	}
	return images[c.image], true
}

// process returns a process of a container, without streams.
func (c *container) process(words []string) *programs.Process {
	return &programs.Process{
		Args: words, Env: c.environment(), Dir: c.directory(), Machine: c.machine,
	}
}

// environment returns the variables of a container's programs, each once; the last value wins.
func (c *container) environment() []string {
	all := append([]string{}, imageVariables...)
	home := "/root"
	if c.machine.User.ID != 0 {
		// As of each user that /etc/passwd does not name.
		home = "/"
	}
	all = append(all, "HOSTNAME="+c.sandbox.hostname(), "HOME="+home)
	for _, variable := range c.config.Envs {
		all = append(all, variable.Key+"="+string(variable.Value))
	}
	last := map[string]int{}
	for i, variable := range all {
		name, _, _ := strings.Cut(variable, "=")
		last[name] = i
	}
	var environment []string
	for i, variable := range all {
		name, _, _ := strings.Cut(variable, "=")
		if last[name] == i {
			environment = append(environment, variable)
		}
	}
	return environment
}

// find returns an error, with a runtime's words, if there is no program that a process could
// run: neither one by that name nor a script.
func (c *container) find(p *programs.Process) error {
	if len(p.Args) == 0 {
		return fmt.Errorf("no command specified")
	}
	name := p.Args[0]
	if _, isThere := c.machine.Find(name, p.Dir); isThere {
		return nil
	}
	reason := "executable file not found in $PATH"
	if strings.Contains(name, "/") {
		info, err := p.Stat(name)
		switch {
		case err != nil:
			reason = "no such file or directory"
		case info.IsDir():
			reason = "is a directory"
		case info.Mode()&0o111 == 0:
			reason = "permission denied"
		default:
			return nil
		}
	}
	return fmt.Errorf("exec: %q: %s", name, reason)
}
