package programs

// HostPath returns the name, for package os, of a file that code opens itself. Links lead to
// names of the machine, and so not out of it.
func (p *Process) HostPath(name string) (string, error) { return p.locate(name, true, false) }
