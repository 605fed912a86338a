package programs

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// createFlag returns the flags of a file to write: at its end, or from its start.
func createFlag(appends bool) int {
	if appends {
		return os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	return os.O_WRONLY | os.O_CREATE | os.O_TRUNC
}

// touch makes files, or changes their time to now.
func touch(r *run) int {
	o, code := r.options("c,no-create"), 0
	for _, name := range o.operands {
		moment := time.Now()
		_, err := r.Stat(name)
		switch {
		case err == nil:
			at, _ := r.resolve(name, true)
			err = r.change("touch", at, func(host string) error {
				return os.Chtimes(host, moment, moment)
			})
		case errors.Is(err, fs.ErrNotExist) && o.has("c"):
			err = nil
		default:
			var file File
			if file, err = r.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644); err == nil {
				file.Close()
			}
		}
		if err != nil {
			code = r.fail(1, "cannot touch '%s': %s", name, reason(err))
		}
	}
	return code
}

// rm removes files, and with -r directories.
func rm(r *run) int {
	o, code := r.options("r,recursive R f,force v,verbose d,dir"), 0
	if len(o.operands) == 0 && !o.has("f") {
		r.misuse("missing operand")
	}
	for _, name := range o.operands {
		base := path.Base(name)
		if base == "." || base == ".." {
			code = r.fail(1, "refusing to remove '.' or '..' directory: skipping '%s'", name)
			continue
		}
		if at, err := r.resolve(name, false); err == nil && at == "/" {
			code = r.fail(1, "it is dangerous to operate recursively on '/'")
			continue
		}
		info, err := r.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist) && o.has("f"):
			continue
		case err == nil && info.IsDir() && !o.has("r") && !o.has("R") && !o.has("d"):
			code = r.fail(1, "cannot remove '%s': Is a directory", name)
			continue
		case err == nil && info.IsDir() && !o.has("d"):
			code = max(code, r.removeAll(name, o.has("v")))
			continue
		case err == nil:
			err = r.Remove(name)
		}
		if err != nil {
			code = r.fail(1, "cannot remove '%s': %s", name, reason(err))
		} else if o.has("v") {
			r.printf("removed '%s'\n", name)
		}
	}
	return code
}

// removeAll removes a directory and all below it; it follows no links.
func (r *run) removeAll(name string, isVerbose bool) int {
	entries, err := r.ReadDir(name)
	if err != nil {
		return r.fail(1, "cannot remove '%s': %s", name, reason(err))
	}
	code := 0
	for _, entry := range entries {
		below := path.Join(name, entry.Name())
		if info, err := r.Lstat(below); err == nil && info.IsDir() {
			code = max(code, r.removeAll(below, isVerbose))
			continue
		}
		if err := r.Remove(below); err != nil {
			code = r.fail(1, "cannot remove '%s': %s", below, reason(err))
		} else if isVerbose {
			r.printf("removed '%s'\n", below)
		}
	}
	if err := r.Remove(name); err != nil {
		return r.fail(1, "cannot remove '%s': %s", name, reason(err))
	}
	return code
}

// mkdir makes directories, with -p those above them too.
func mkdir(r *run) int {
	o, code := r.options("p,parents m,mode="), 0
	if len(o.operands) == 0 {
		r.misuse("missing operand")
	}
	mode := fs.FileMode(0o755)
	if bits, err := strconv.ParseUint(o.last("m"), 8, 12); err == nil {
		mode = fs.FileMode(bits)
	}
	for _, name := range o.operands {
		err := r.makeDirectory(name, mode, o.has("p"))
		if err != nil {
			code = r.fail(1, "cannot create directory ‘%s’: %s", name, reason(err))
		}
	}
	return code
}

func (r *run) makeDirectory(name string, mode fs.FileMode, withParents bool) error {
	if withParents {
		if info, err := r.Stat(name); err == nil && info.IsDir() {
			return nil
		}
		parent := path.Dir(strings.TrimRight(name, "/"))
		if parent != name && parent != "." && parent != "/" {
			if err := r.makeDirectory(parent, 0o755, true); err != nil {
				return err
			}
		}
	}
	return r.Mkdir(name, mode)
}

// destinations calls a function with each source and its destination, which is in a directory
// if the last name is one.
func (r *run) destinations(o options, do func(from, to string) error) int {
	names, code := o.operands, 0
	if o.has("t") {
		names = append(names, o.last("t"))
	}
	if len(names) == 0 {
		r.misuse("missing file operand")
	}
	if len(names) == 1 {
		r.misuse("missing destination file operand after '%s'", names[0])
	}
	last := names[len(names)-1]
	info, err := r.Stat(last)
	isDirectory := err == nil && info.IsDir() && !o.has("T")
	if len(names) > 2 && !isDirectory {
		return r.fail(1, "target '%s': Not a directory", last)
	}
	for _, from := range names[:len(names)-1] {
		to := last
		if isDirectory {
			to = path.Join(last, path.Base(from))
		}
		if err := do(from, to); err != nil {
			code = r.fail(1, "%s", err)
		}
	}
	return code
}

// copyFile copies a file, with isRecursive a directory; links stay links then.
func (r *run) copyFile(from, to string, isRecursive bool) error {
	info, err := r.Stat(from)
	if isRecursive {
		info, err = r.Lstat(from)
	}
	if err != nil {
		return errors.New("cannot stat '" + from + "': " + reason(err))
	}
	switch {
	case info.IsDir() && !isRecursive:
		return errors.New("-r not specified; omitting directory '" + from + "'")
	case info.IsDir():
		if err := r.Mkdir(to, info.Mode().Perm()); err != nil && !errors.Is(err, fs.ErrExist) {
			return errors.New("cannot create directory '" + to + "': " + reason(err))
		}
		entries, err := r.ReadDir(from)
		for _, entry := range entries {
			if err == nil {
				err = r.copyFile(path.Join(from, entry.Name()), path.Join(to, entry.Name()), true)
			}
		}
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := r.Readlink(from)
		if err == nil {
			err = r.Symlink(target, to)
		}
		return err
	}
	source, err := r.Open(from)
	if err != nil {
		return errors.New("cannot open '" + from + "' for reading: " + reason(err))
	}
	defer source.Close()
	destination, err := r.OpenFile(to, createFlag(false), info.Mode().Perm())
	if err != nil {
		return errors.New("cannot create regular file '" + to + "': " + reason(err))
	}
	defer destination.Close()
	if _, err = io.Copy(destination, source); err != nil {
		return errors.New("error writing '" + to + "': " + reason(err))
	}
	return nil
}

func cp(r *run) int {
	o := r.options("r,recursive R a,archive f,force p t= T d")
	isRecursive := o.has("r") || o.has("R") || o.has("a")
	return r.destinations(o, func(from, to string) error {
		return r.copyFile(from, to, isRecursive)
	})
}

func mv(r *run) int {
	o := r.options("f,force t= T")
	return r.destinations(o, func(from, to string) error {
		err := r.Rename(from, to)
		if err == nil {
			return nil
		}
		// Between two volumes a file is copied.
		if reason(err) == "Invalid cross-device link" {
			if err := r.copyFile(from, to, true); err != nil {
				return err
			}
			r.removeAll(from, false)
			return nil
		}
		if errors.Is(err, fs.ErrNotExist) {
			return errors.New("cannot stat '" + from + "': " + reason(err))
		}
		return errors.New("cannot move '" + from + "' to '" + to + "': " + reason(err))
	})
}

// ln makes links by name; there are no others.
func ln(r *run) int {
	o := r.options("s,symbolic f,force n,no-dereference T")
	if !o.has("s") {
		return r.fail(1, "only symbolic links are here: ln -s")
	}
	if len(o.operands) == 1 {
		o.operands = append(o.operands, path.Base(o.operands[0]))
	}
	if o.has("n") {
		o.values["T"] = []string{""}
	}
	return r.destinations(o, func(target, name string) error {
		if o.has("f") {
			if err := r.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return errors.New("cannot remove '" + name + "': " + reason(err))
			}
		}
		if err := r.Symlink(target, name); err != nil {
			return errors.New("failed to create symbolic link '" + name + "': " + reason(err))
		}
		return nil
	})
}

// readlink writes where a link leads, and with -f the name without links.
func readlink(r *run) int {
	o, code := r.options("f,canonicalize e,canonicalize-existing m n,no-newline q s"), 0
	end := "\n"
	if o.has("n") {
		end = ""
	}
	for _, name := range o.operands {
		var text string
		var err error
		if o.has("f") || o.has("e") || o.has("m") {
			if text, err = r.resolve(name, true); err == nil && o.has("e") {
				_, err = r.Stat(text)
			}
		} else {
			text, err = r.Readlink(name)
		}
		if err != nil {
			code = 1
			continue
		}
		r.printf("%s%s", text, end)
	}
	return code
}

// chmod changes modes: octal ones, and signs like u+x.
func chmod(r *run) int {
	o, code := r.options("+"), 0
	if len(o.operands) < 2 {
		r.misuse("missing operand")
	}
	for _, name := range o.operands[1:] {
		info, err := r.Stat(name)
		if err == nil {
			mode, isMode := changeMode(info.Mode().Perm(), o.operands[0])
			if !isMode {
				r.misuse("invalid mode: '%s'", o.operands[0])
			}
			err = r.Chmod(name, mode)
		}
		if err != nil {
			code = r.fail(1, "cannot access '%s': %s", name, reason(err))
		}
	}
	return code
}

func changeMode(mode fs.FileMode, text string) (fs.FileMode, bool) {
	if bits, err := strconv.ParseUint(text, 8, 12); err == nil {
		return fs.FileMode(bits), true
	}
	for _, clause := range strings.Split(text, ",") {
		at := strings.IndexAny(clause, "+-=")
		if at < 0 {
			return 0, false
		}
		var who, bits fs.FileMode
		for _, letter := range clause[:at] {
			who |= map[rune]fs.FileMode{'u': 0o700, 'g': 0o070, 'o': 0o007, 'a': 0o777}[letter]
		}
		if at == 0 {
			who = 0o777
		}
		for _, letter := range clause[at+1:] {
			bits |= map[rune]fs.FileMode{'r': 0o444, 'w': 0o222, 'x': 0o111, 'X': 0o111}[letter]
		}
		switch clause[at] {
		case '+':
			mode |= who & bits
		case '-':
			mode &^= who & bits
		default:
			mode = mode&^who | who&bits
		}
	}
	return mode, true
}

// mktemp makes a file, or with -d a directory, with a name of its own.
func mktemp(r *run) int {
	o := r.options("d,directory u,dry-run q,quiet p,tmpdir= t")
	directory := r.Getenv("TMPDIR")
	if directory == "" {
		directory = "/tmp"
	}
	template := path.Join(directory, "tmp.XXXXXXXXXX")
	if o.has("p") {
		template = path.Join(o.last("p"), "tmp.XXXXXXXXXX")
	}
	if len(o.operands) > 0 {
		template = o.operands[0]
		if o.has("t") || o.has("p") {
			template = path.Join(path.Dir(path.Join(directory, "x")), template)
		}
	}
	base := strings.TrimRight(template, "X")
	if len(template)-len(base) < 3 {
		return r.fail(1, "too few X's in template ‘%s’", template)
	}
	for range 100 {
		name := base + rand.Text()[:len(template)-len(base)]
		var err error
		switch {
		case o.has("u"):
		case o.has("d"):
			err = r.Mkdir(name, 0o700)
		default:
			var file File
			if file, err = r.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
				file.Close()
			}
		}
		if err == nil {
			r.print(name)
			return 0
		}
		if !errors.Is(err, fs.ErrExist) {
			return r.fail(1, "failed to create file via template ‘%s’: %s", template, reason(err))
		}
	}
	return r.fail(1, "failed to create file via template ‘%s’", template)
}

func basename(r *run) int {
	o := r.options("+a,multiple s,suffix=")
	if len(o.operands) == 0 {
		r.misuse("missing operand")
	}
	names, suffix := o.operands, o.last("s")
	if !o.has("a") && !o.has("s") {
		if len(names) == 2 {
			suffix = names[1]
		}
		names = names[:1]
	}
	for _, name := range names {
		base := path.Base(name)
		if base != suffix {
			base = strings.TrimSuffix(base, suffix)
		}
		r.print(base)
	}
	return 0
}

func dirname(r *run) int {
	o := r.options("+")
	if len(o.operands) == 0 {
		r.misuse("missing operand")
	}
	for _, name := range o.operands {
		r.print(path.Dir(strings.TrimRight(name, "/")))
	}
	return 0
}

func pwd(r *run) int {
	at, _ := r.resolve(".", true)
	r.print(at)
	return 0
}
