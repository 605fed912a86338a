package programs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// runOther runs another program in place of this one, with its input, output and files.
func (r *run) runOther(ctx context.Context, args, env []string) int {
	r.out.Flush()
	process := *r.Process
	process.Args, process.Env = args, env
	return r.Machine.Run(ctx, &process)
}

// environment returns the variables without those that a later one replaces.
func environment(env []string) []string {
	var names []string
	values := map[string]string{}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		if _, isKnown := values[name]; !isKnown {
			names = append(names, name)
		}
		values[name] = value
	}
	for i, name := range names {
		names[i] = name + "=" + values[name]
	}
	return names
}

// printEnvironment is env: it writes the variables, or runs a program with others.
func printEnvironment(r *run) int {
	o := r.options("+i,ignore-environment u,unset= C,chdir= 0,null")
	env, words := r.Env, o.operands
	if o.has("i") {
		env = nil
	}
	for _, name := range o.values["u"] {
		env = slices.DeleteFunc(slices.Clone(env), func(variable string) bool {
			return strings.HasPrefix(variable, name+"=")
		})
	}
	for len(words) > 0 && strings.Contains(words[0], "=") {
		env, words = append(slices.Clip(env), words[0]), words[1:]
	}
	if o.has("C") {
		r.Dir = path.Join(r.Dir, o.last("C"))
	}
	if len(words) > 0 {
		if _, found := r.Machine.Find(words[0], r.Dir); !found && !strings.Contains(words[0], "/") {
			return r.fail(127, "‘%s’: No such file or directory", words[0])
		}
		return r.runOther(r.ctx, words, environment(env))
	}
	end := "\n"
	if o.has("0") {
		end = "\x00"
	}
	for _, variable := range environment(env) {
		r.printf("%s%s", variable, end)
	}
	return 0
}

func printenv(r *run) int {
	o, code := r.options("0,null"), 0
	if len(o.operands) == 0 {
		return printEnvironment(r)
	}
	for _, name := range o.operands {
		if value, isSet := r.LookupEnv(name); isSet {
			r.print(value)
		} else {
			code = 1
		}
	}
	return code
}

// parseDuration returns the time that sleep and timeout wait: 1.5, 2m, infinity.
func parseDuration(text string) (time.Duration, bool) {
	units := map[byte]float64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400}
	scale := 1.0
	if text != "" && units[text[len(text)-1]] > 0 {
		scale, text = units[text[len(text)-1]], text[:len(text)-1]
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || seconds < 0 {
		return 0, false
	}
	// More than a hundred years are for ever.
	return time.Duration(min(seconds*scale, 3e9) * float64(time.Second)), true
}

func sleep(r *run) int {
	o := r.options("")
	if len(o.operands) == 0 {
		r.misuse("missing operand")
	}
	total := time.Duration(0)
	for _, text := range o.operands {
		duration, isTime := parseDuration(text)
		if !isTime {
			r.misuse("invalid time interval ‘%s’", text)
		}
		total += duration
	}
	timer := time.NewTimer(total)
	defer timer.Stop()
	select {
	case <-timer.C:
		return 0
	case <-r.ctx.Done():
		return 128 + int(SIGTERM)
	}
}

// timeout runs a program and ends it after a time, with exit code 124.
func timeout(r *run) int {
	r.usage = 125
	o := r.options("+s,signal= k,kill-after= v ,preserve-status ,foreground")
	if len(o.operands) < 2 {
		r.misuse("missing operand")
	}
	duration, isTime := parseDuration(o.operands[0])
	if !isTime {
		r.misuse("invalid time interval ‘%s’", o.operands[0])
	}
	words := o.operands[1:]
	if _, found := r.Machine.Find(words[0], r.Dir); !found && !strings.Contains(words[0], "/") {
		return r.fail(127, "failed to run command ‘%s’: No such file or directory", words[0])
	}
	ctx, cancel := context.WithCancelCause(r.ctx)
	defer cancel(nil)
	if duration > 0 {
		timer := time.AfterFunc(duration, func() { cancel(errLate) })
		defer timer.Stop()
	}
	code := r.runOther(ctx, words, r.Env)
	if context.Cause(ctx) == errLate && !o.has("preserve-status") {
		return 124
	}
	return code
}

var errLate = errors.New("time is up")

// kill ends processes by their numbers, or lists signals.
func kill(r *run) int {
	words, signal := r.Args[1:], SIGTERM
	if len(words) > 0 && words[0] == "-l" {
		names := []string{}
		for name := range signalNames {
			names = append(names, name)
		}
		slices.Sort(names)
		r.print(strings.Join(names, " "))
		return 0
	}
	if len(words) > 1 && (words[0] == "-s" || words[0] == "-n") {
		words = append([]string{"-" + words[1]}, words[2:]...)
	}
	if len(words) > 0 && strings.HasPrefix(words[0], "-") && words[0] != "--" {
		name := strings.TrimPrefix(strings.ToUpper(words[0][1:]), "SIG")
		number, err := strconv.Atoi(name)
		if err != nil {
			named, isKnown := signalNames[name]
			if !isKnown {
				return r.fail(1, "%s: invalid signal specification", words[0][1:])
			}
			number = int(named)
		}
		signal, words = Signal(number), words[1:]
	}
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		return r.fail(2, "usage: kill [-s sigspec | -n signum | -sigspec] pid")
	}
	code := 0
	for _, word := range words {
		pid, err := strconv.Atoi(word)
		if err != nil {
			code = r.fail(1, "%s: arguments must be process or job IDs", word)
		} else if !r.Machine.Kill(pid, signal) {
			code = r.fail(1, "(%d) - No such process", pid)
		}
	}
	return code
}

// ps lists the programs that run on the machine; there are no users and no terminals.
func ps(r *run) int {
	columns := []string{"pid", "args"}
	switch words := r.Args[1:]; {
	case len(words) == 1 && (words[0] == "aux" || words[0] == "ax"):
	default:
		o := r.options("e A f x a o,format=")
		if o.has("o") {
			columns = strings.FieldsFunc(strings.Join(o.values["o"], ","), func(letter rune) bool {
				return letter == ',' || letter == ' '
			})
		}
	}
	heads := map[string]string{
		"pid": "    PID", "args": "COMMAND", "cmd": "CMD", "command": "COMMAND", "comm": "COMMAND",
	}
	r.Machine.processes.Lock()
	defer r.Machine.processes.Unlock()
	running := r.Machine.processes.running
	pids := slices.Sorted(maps.Keys(running))
	for row := -1; row < len(pids); row++ {
		var cells []string
		for _, column := range columns {
			head, isKnown := heads[column]
			if !isKnown {
				return r.fail(1, "error: unknown user-defined format specifier %q", column)
			}
			switch {
			case row < 0:
				cells = append(cells, head)
			case column == "pid":
				cells = append(cells, fmt.Sprintf("%7d", pids[row]))
			case running[pids[row]].args == nil:
				// A job of a shell is no program.
			case column == "comm":
				cells = append(cells, path.Base(running[pids[row]].args[0]))
			default:
				cells = append(cells, strings.Join(running[pids[row]].args, " "))
			}
		}
		if row < 0 || running[pids[row]].args != nil {
			r.print(strings.Join(cells, " "))
		}
	}
	return 0
}

// uname names the system, which is no Linux.
func uname(r *run) int {
	o := r.options("a,all s,kernel-name n,nodename r,kernel-release v,kernel-version m,machine " +
		"o,operating-system")
	facts := []struct{ option, text string }{
		{"s", "js"}, {"n", r.Machine.Hostname}, {"r", "none"}, {"v", "none"}, {"m", "wasm"},
		{"o", "js"},
	}
	var words []string
	for _, fact := range facts {
		if o.has(fact.option) || o.has("a") || len(o.values) == 0 && fact.option == "s" {
			words = append(words, fact.text)
		}
	}
	r.print(strings.Join(words, " "))
	return 0
}

func hostname(r *run) int {
	o := r.options("i,ip-address I,all-ip-addresses s,short f,fqdn d")
	if !o.has("i") && !o.has("I") {
		r.print(r.Machine.Hostname)
		return 0
	}
	addresses, err := r.lookupHost(r.Machine.Hostname)
	if err != nil {
		return r.fail(1, "Name or service not known")
	}
	r.print(strings.Join(addresses, " "))
	return 0
}

// lookupHost returns the addresses of a name.
func (r *run) lookupHost(name string) ([]string, error) {
	if net.ParseIP(name) != nil {
		return []string{name}, nil
	}
	if r.Machine.LookupHost == nil {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return r.Machine.LookupHost(r.ctx, name)
}

// fullName returns the name with the domain in which it was found.
func (r *run) fullName(name string) string {
	if r.Machine.FullName == nil {
		return name
	}
	return r.Machine.FullName(r.ctx, name)
}

// getent looks names up: `getent hosts NAME`.
func getent(r *run) int {
	o := r.options("")
	if len(o.operands) == 0 {
		r.misuse("wrong number of arguments")
	}
	switch o.operands[0] {
	case "hosts", "ahosts", "ahostsv4":
	default:
		return r.fail(1, "Unknown database: %s", o.operands[0])
	}
	code := 0
	for _, name := range o.operands[1:] {
		addresses, err := r.lookupHost(name)
		if err != nil {
			code = 2
			continue
		}
		for _, address := range addresses {
			r.printf("%-15s %s\n", address, r.fullName(name))
			if o.operands[0] == "hosts" {
				break
			}
		}
	}
	return code
}

func id(r *run) int {
	o := r.options("u,user g,group G,groups n,name r")
	user := r.Machine.User
	groups := user.Groups
	if len(groups) == 0 {
		groups = []int64{0}
	}
	show := func(number int64) string { return strconv.FormatInt(number, 10) }
	if o.has("n") {
		show = func(number int64) string {
			return cmp.Or(nameOf(number), strconv.FormatInt(number, 10))
		}
	}
	numbers := groups
	switch {
	case o.has("u"):
		numbers = []int64{user.ID}
	case o.has("g"):
		numbers = groups[:1]
	case !o.has("G"):
		var all []string
		for _, group := range groups {
			all = append(all, withName(group))
		}
		r.print(fmt.Sprintf("uid=%s gid=%s groups=%s", withName(user.ID), withName(groups[0]),
			strings.Join(all, ",")))
		return 0
	}
	var words []string
	for _, number := range numbers {
		words = append(words, show(number))
	}
	r.print(strings.Join(words, " "))
	return 0
}

// nameOf returns the name of a user or a group, "" for one without.
func nameOf(number int64) string {
	if number == 0 {
		return "root"
	}
	return ""
}

// withName returns a number, with its name if it has one.
func withName(number int64) string {
	if name := nameOf(number); name != "" {
		return fmt.Sprintf("%d(%s)", number, name)
	}
	return strconv.FormatInt(number, 10)
}

func whoami(r *run) int {
	user := r.Machine.User.ID
	if nameOf(user) == "" {
		return r.fail(1, "cannot find name for user ID %d", user)
	}
	r.print(nameOf(user))
	return 0
}

// dateLetters has the letters of strftime, in Go's layout.
var dateLetters = map[byte]string{
	'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'b': "Jan",
	'B': "January", 'a': "Mon", 'A': "Monday", 'e': "_2", 'I': "03", 'p': "PM", 'Z': "MST",
	'z': "-0700", 'F': "2006-01-02", 'T': "15:04:05", 'D': "01/02/06", 'R': "15:04",
	'N': "000000000", 'j': "002", 'h': "Jan",
}

// date writes the time, in a form of strftime after a `+`.
func date(r *run) int {
	o := r.options("u,utc d,date= I,iso-8601 R,rfc-email")
	moment := time.Now().UTC()
	if text := o.last("d"); text != "" && text != "now" {
		var err error
		if seconds, isUnix := strings.CutPrefix(text, "@"); isUnix {
			var number float64
			number, err = strconv.ParseFloat(seconds, 64)
			moment = time.Unix(0, int64(number*1e9)).UTC()
		} else {
			for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", time.DateOnly} {
				if moment, err = time.Parse(layout, text); err == nil {
					break
				}
			}
		}
		if err != nil {
			return r.fail(1, "invalid date ‘%s’", text)
		}
	}
	format := "%a %b %e %H:%M:%S UTC %Y"
	if o.has("I") {
		format = "%F"
	} else if o.has("R") {
		format = "%a, %d %b %Y %H:%M:%S %z"
	}
	if len(o.operands) > 0 {
		rest, isFormat := strings.CutPrefix(o.operands[0], "+")
		if !isFormat {
			return r.fail(1, "invalid date ‘%s’", o.operands[0])
		}
		format = rest
	}
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			out.WriteByte(format[i])
			continue
		}
		i++
		switch letter := format[i]; {
		case letter == 's':
			out.WriteString(strconv.FormatInt(moment.Unix(), 10))
		case letter == 'N':
			fmt.Fprintf(&out, "%09d", moment.Nanosecond())
		case letter == 'n':
			out.WriteByte('\n')
		case letter == 't':
			out.WriteByte('\t')
		case letter == '%':
			out.WriteByte('%')
		case dateLetters[letter] != "":
			out.WriteString(moment.Format(dateLetters[letter]))
		default:
			out.WriteString(format[i-1 : i+1])
		}
	}
	r.print(out.String())
	return 0
}

// catatonit is the first program of an image: it runs another one.
func catatonit(r *run) int {
	o := r.options("+P")
	if o.has("P") {
		<-r.ctx.Done()
		return 128 + int(SIGTERM)
	}
	if len(o.operands) == 0 {
		r.misuse("missing program name")
	}
	return r.runOther(r.ctx, o.operands, r.Env)
}

// which writes where programs are.
func which(r *run) int {
	o, code := r.options("a"), 0
	for _, name := range o.operands {
		if _, found := r.Machine.Programs[name]; found {
			r.print("/usr/bin/" + name)
		} else {
			code = 1
		}
	}
	return code
}

// xargs runs a program with words of its input.
func xargs(r *run) int {
	o := r.options("+n,max-args= I= r,no-run-if-empty 0,null d,delimiter= t,verbose P=")
	words := o.operands
	if len(words) == 0 {
		words = []string{"echo"}
	}
	end := byte('\n')
	if o.has("0") {
		end = 0
	} else if o.has("d") {
		end = (unescape(o.last("d")) + "\n")[0]
	}
	var args []string
	err := r.eachRecord(r.in, end, func(record string) error {
		if o.has("I") || o.has("0") || o.has("d") {
			args = append(args, record)
		} else {
			args = append(args, strings.Fields(record)...)
		}
		return nil
	})
	if err != nil {
		return 1
	}
	size, code := max(1, len(args)), 0
	if count, err := strconv.Atoi(o.last("n")); err == nil && count > 0 {
		size = count
	}
	if o.has("I") {
		size = 1
	}
	if len(args) == 0 && (o.has("r") || o.has("I")) {
		return 0
	}
	r.Stdin = nil
	for isFirst := true; (isFirst || len(args) > 0) && r.ctx.Err() == nil; isFirst = false {
		batch := args[:min(size, len(args))]
		args = args[len(batch):]
		line := append(slices.Clone(words), batch...)
		if o.has("I") {
			line = slices.Clone(words)
			for i := range line {
				line[i] = strings.ReplaceAll(line[i], o.last("I"), batch[0])
			}
		}
		if o.has("t") {
			fmt.Fprintln(r.Stderr, strings.Join(line, " "))
		}
		switch ended := r.runOther(r.ctx, line, r.Env); {
		case ended == 126 || ended == 127:
			return ended
		case ended != 0:
			code = 123
		}
	}
	return code
}
