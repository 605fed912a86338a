package programs

// All returns the programs of a machine, by name. Each call makes a map of its own, to which
// others can be added.
func All() map[string]Program {
	programs := map[string]Program{
		"bash": runShell, "curl": curl, "dash": runShell, "sh": runShell,
		"egrep": programWithUsage(2, grep), "fgrep": programWithUsage(2, grep),
		"grep": programWithUsage(2, grep), "jq": programWithUsage(2, jq),
		"ls": programWithUsage(2, ls), "sort": programWithUsage(2, sortLines),
		"diff": programWithUsage(2, diff), "tar": programWithUsage(2, runTar),
	}
	for name, main := range map[string]func(*run) int{
		"awk": awk, "base64": encode64, "basename": basename, "cat": cat, "catatonit": catatonit,
		"chmod": chmod, "cp": cp, "cut": cut, "date": date, "dirname": dirname,
		"env": printEnvironment, "find": find, "getent": getent, "head": head,
		"hostname": hostname, "id": id,
		"kill": kill, "ln": ln, "mkdir": mkdir, "mktemp": mktemp, "mv": mv,
		"openssl": openSSL, "printenv": printenv, "ps": ps, "pwd": pwd,
		"readlink": readlink, "rm": rm,
		"sed": sed, "seq": seq, "sha256sum": sha256sum, "sleep": sleep, "stat": stat,
		"tail": tail,
		"tee":  tee, "timeout": timeout, "touch": touch, "tr": tr, "uname": uname, "uniq": uniq,
		"wc": wc, "which": which, "whoami": whoami, "xargs": xargs, "yes": yes,
		// The shell has these, too.
		"[": shellCommandOf, "echo": shellCommandOf, "false": shellCommandOf,
		"printf": shellCommandOf, "test": shellCommandOf, "true": shellCommandOf,
	} {
		programs[name] = program(main)
	}
	return programs
}

// shellCommandOf runs a command of the shell as a program.
func shellCommandOf(r *run) int {
	process := *r.Process
	process.Args = append([]string{"bash", "-c", `"$0" "$@"`}, r.Args...)
	process.Args[3] = r.name
	return runShell(r.ctx, &process)
}
