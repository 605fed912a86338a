package programs

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// modeText returns the mode as ls shows it; Go has other letters.
func modeText(mode fs.FileMode) string {
	kind := "-"
	switch {
	case mode&fs.ModeDir != 0:
		kind = "d"
	case mode&fs.ModeSymlink != 0:
		kind = "l"
	case mode&fs.ModeSocket != 0:
		kind = "s"
	case mode&fs.ModeNamedPipe != 0:
		kind = "p"
	case mode&fs.ModeCharDevice != 0:
		kind = "c"
	}
	text := []byte(kind + mode.Perm().String()[1:])
	if mode&fs.ModeSticky != 0 {
		text[9] = 't'
	}
	return string(text)
}

// listed is a file as ls shows it.
type listed struct {
	name, target string
	info         fs.FileInfo
}

// listing is ls while it runs.
type listing struct {
	*run
	options
}

// ls lists files and directories.
func ls(r *run) int {
	r.usage = 2
	l := listing{r, r.options("l a,all A,almost-all 1 d,directory R,recursive h,human-readable " +
		"L,dereference t r,reverse S F,classify p n,numeric-uid-gid ,color=")}
	names, code := l.operands, 0
	if len(names) == 0 {
		names = []string{"."}
	}
	var files []listed
	var directories []string
	for _, name := range names {
		// Without -l, ls follows a link on its command line.
		info, err := r.Lstat(name)
		if target, targetErr := r.Stat(name); err == nil && targetErr == nil &&
			(l.has("L") || target.IsDir() && !l.has("l") && !l.has("d")) {
			info = target
		}
		if err != nil {
			code = r.fail(2, "cannot access '%s': %s", name, reason(err))
			continue
		}
		if info.IsDir() && !l.has("d") {
			directories = append(directories, name)
		} else {
			files = append(files, l.describe(name, name, info))
		}
	}
	l.show(files)
	slices.Sort(directories)
	for i, name := range directories {
		if len(names) > 1 || l.has("R") {
			if i > 0 || len(files) > 0 {
				r.print()
			}
			r.printf("%s:\n", name)
		}
		code = max(code, l.directory(name))
	}
	return code
}

func (l listing) describe(name, at string, info fs.FileInfo) listed {
	file := listed{name: name, info: info}
	if info.Mode()&fs.ModeSymlink != 0 {
		file.target, _ = l.Readlink(at)
	}
	return file
}

// directory lists a directory, and with -R those below it.
func (l listing) directory(name string) int {
	entries, err := l.ReadDir(name)
	if err != nil {
		return l.fail(2, "cannot open directory '%s': %s", name, reason(err))
	}
	var files []listed
	var below []string
	if l.has("a") {
		for _, dots := range []string{".", ".."} {
			if info, err := l.Stat(path.Join(name, dots)); err == nil {
				files = append(files, listed{name: dots, info: info})
			}
		}
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") && !l.has("a") && !l.has("A") {
			continue
		}
		at := path.Join(name, entry.Name())
		info, err := l.Lstat(at)
		if l.has("L") {
			info, err = l.Stat(at)
		}
		if err != nil {
			continue
		}
		files = append(files, l.describe(entry.Name(), at, info))
		if info.IsDir() {
			below = append(below, at)
		}
	}
	if l.has("l") || l.has("n") {
		blocks := int64(0)
		for _, file := range files {
			blocks += (file.info.Size() + 4095) / 4096 * 4
		}
		l.printf("total %d\n", blocks)
	}
	l.show(files)
	code := 0
	if l.has("R") {
		for _, at := range below {
			l.printf("\n%s:\n", at)
			code = max(code, l.directory(at))
		}
	}
	return code
}

func (l listing) show(files []listed) {
	slices.SortStableFunc(files, func(a, b listed) int {
		order := 0
		if l.has("t") {
			order = b.info.ModTime().Compare(a.info.ModTime())
		} else if l.has("S") {
			order = cmp.Compare(b.info.Size(), a.info.Size())
		}
		if order == 0 {
			order = cmp.Compare(a.name, b.name)
		}
		if l.has("r") {
			order = -order
		}
		return order
	})
	width := 1
	for _, file := range files {
		width = max(width, len(l.size(file.info)))
	}
	for _, file := range files {
		if !l.has("l") && !l.has("n") {
			l.print(file.name + l.sign(file.info))
			continue
		}
		name := file.name
		if file.target != "" {
			name += " -> " + file.target
		} else {
			name += l.sign(file.info)
		}
		links, owner := 1, "root root"
		if file.info.IsDir() {
			links = 2
		}
		if l.has("n") {
			owner = "0 0"
		}
		l.printf("%s %d %s %*s %s %s\n", modeText(file.info.Mode()), links, owner, width,
			l.size(file.info), dateText(file.info.ModTime()), name)
	}
}

func (l listing) sign(info fs.FileInfo) string {
	switch {
	case info.IsDir() && (l.has("F") || l.has("p")):
		return "/"
	case info.Mode()&fs.ModeSymlink != 0 && l.has("F"):
		return "@"
	case info.Mode()&0o111 != 0 && info.Mode().IsRegular() && l.has("F"):
		return "*"
	}
	return ""
}

func (l listing) size(info fs.FileInfo) string {
	if !l.has("h") || info.Size() < 1024 {
		return strconv.FormatInt(info.Size(), 10)
	}
	size := float64(info.Size())
	for _, unit := range "KMGT" {
		if size /= 1024; size < 1024 {
			if size < 10 {
				return fmt.Sprintf("%.1f%c", size, unit)
			}
			return fmt.Sprintf("%.0f%c", size, unit)
		}
	}
	return fmt.Sprintf("%.0fP", size/1024)
}

// dateText returns a date as ls shows it: with the year if it is half a year ago.
func dateText(moment time.Time) string {
	if age := time.Since(moment); age > 182*24*time.Hour || age < -time.Hour {
		return moment.UTC().Format("Jan _2  2006")
	}
	return moment.UTC().Format("Jan _2 15:04")
}

// stat describes files.
func stat(r *run) int {
	o, code := r.options("c,format= L,dereference ,printf="), 0
	for _, name := range o.operands {
		info, err := r.Lstat(name)
		if o.has("L") {
			info, err = r.Stat(name)
		}
		if err != nil {
			code = r.fail(1, "cannot statx '%s': %s", name, reason(err))
			continue
		}
		kind := "regular file"
		switch {
		case info.IsDir():
			kind = "directory"
		case info.Mode()&fs.ModeSymlink != 0:
			kind = "symbolic link"
		case info.Mode()&fs.ModeSocket != 0:
			kind = "socket"
		case info.Size() == 0:
			kind = "regular empty file"
		}
		moment := info.ModTime().UTC()
		text := strings.NewReplacer(
			"%n", name, "%N", "'"+name+"'", "%s", strconv.FormatInt(info.Size(), 10),
			"%a", fmt.Sprintf("%o", info.Mode().Perm()), "%A", modeText(info.Mode()),
			"%F", kind, "%U", "root", "%G", "root", "%u", "0", "%g", "0",
			"%y", moment.Format("2006-01-02 15:04:05.000000000 -0700"),
			"%Y", strconv.FormatInt(moment.Unix(), 10), "%%", "%")
		switch {
		case o.has("c"):
			r.print(text.Replace(o.last("c")))
		case o.has("printf"):
			r.printf("%s", text.Replace(unescape(o.last("printf"))))
		default:
			r.printf("%s\n", text.Replace("  File: %n\n  Size: %s\t%F\nAccess: (0%a/%A)  "+
				"Uid: (    %u/    %U)   Gid: (    %g/    %G)\nModify: %y"))
		}
	}
	return code
}
