package programs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// maxLinks is how many links a name may have, as on Linux.
const maxLinks = 40

// resolve returns the machine's name of a file, without links but possibly the last part. Links
// lead to names of the machine, wherever its files are for package os; so nothing leaves its tree.
func (p *Process) resolve(name string, followLast bool) (string, error) {
	if name == "" {
		return "", syscall.ENOENT
	}
	if !path.IsAbs(name) {
		name = p.Dir + "/" + name
	}
	at, parts, links := "/", strings.Split(name, "/"), 0
	for len(parts) > 0 {
		part := parts[0]
		parts = parts[1:]
		if part == ".." {
			at = path.Dir(at)
		}
		if part == "" || part == "." || part == ".." {
			continue
		}
		at = path.Join(at, part)
		if len(parts) == 0 && !followLast {
			break
		}
		// What is no link, or not there, is for the caller to find out.
		target, err := os.Readlink(p.Machine.Files.Path(at))
		if err != nil {
			continue
		}
		if links++; links > maxLinks {
			return "", syscall.ELOOP
		}
		if path.IsAbs(target) {
			at = "/"
		} else {
			at = path.Dir(at)
		}
		parts = append(strings.Split(target, "/"), parts...)
	}
	return at, nil
}

// locate returns the name for package os of a machine's file. With `changes`, it fails if the
// file may not be changed.
func (p *Process) locate(name string, followLast, changes bool) (string, error) {
	at, err := p.resolve(name, followLast)
	if err == nil && changes {
		err = p.Machine.Files.Refuses(at)
	}
	if err != nil {
		return "", err
	}
	return p.Machine.Files.Path(at), nil
}

// nameError returns an error with the name that the program knows in place of that of package os.
func nameError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		err = number
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// reason returns the words of C for an error of a file, and of Go for another.
func reason(err error) string {
	texts := map[syscall.Errno]string{
		syscall.ENOENT: "No such file or directory", syscall.EACCES: "Permission denied",
		syscall.EEXIST: "File exists", syscall.ENOTDIR: "Not a directory",
		syscall.EISDIR: "Is a directory", syscall.ENOTEMPTY: "Directory not empty",
		syscall.EROFS: "Read-only file system", syscall.EINVAL: "Invalid argument",
		syscall.ELOOP: "Too many levels of symbolic links",
		syscall.EPERM: "Operation not permitted", syscall.EXDEV: "Invalid cross-device link",
		syscall.ENOSPC: "No space left on device",
	}
	var number syscall.Errno
	if errors.As(err, &number) && texts[number] != "" {
		return texts[number]
	}
	var file *fs.PathError
	if errors.As(err, &file) {
		err = file.Err
	}
	first, size := utf8.DecodeRuneInString(err.Error())
	return string(unicode.ToUpper(first)) + err.Error()[size:]
}

// File is what OpenFile returns: a file, or a device.
type File interface{ io.ReadWriteCloser }

// OpenFile opens a file of the machine, or a device, as os.OpenFile does.
func (p *Process) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	at, err := p.resolve(name, true)
	if err != nil {
		return nil, nameError("open", name, err)
	}
	if device, is := p.device(at); is {
		return device, nil
	}
	host, err := p.locate(at, true, flag&(os.O_WRONLY|os.O_RDWR) != 0)
	if err != nil {
		return nil, nameError("open", name, err)
	}
	file, err := os.OpenFile(host, flag, perm)
	if err != nil {
		return nil, nameError("open", name, err)
	}
	return file, nil
}

// Open opens a file for reading.
func (p *Process) Open(name string) (File, error) { return p.OpenFile(name, os.O_RDONLY, 0) }

// Create makes a file, or empties the one that is there.
func (p *Process) Create(name string) (File, error) {
	return p.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
}

// ReadFile returns what is in a file.
func (p *Process) ReadFile(name string) ([]byte, error) {
	file, err := p.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	bytes, err := io.ReadAll(file)
	return bytes, nameError("read", name, err)
}

// Stat describes a file, or what a link leads to.
func (p *Process) Stat(name string) (fs.FileInfo, error) { return p.stat(name, true) }

// Lstat describes a file, or a link itself.
func (p *Process) Lstat(name string) (fs.FileInfo, error) { return p.stat(name, false) }

func (p *Process) stat(name string, followLast bool) (fs.FileInfo, error) {
	at, err := p.resolve(name, followLast)
	if err != nil {
		return nil, nameError("stat", name, err)
	}
	if _, is := p.device(at); is {
		return deviceInfo(path.Base(at)), nil
	}
	info, err := os.Lstat(p.Machine.Files.Path(at))
	return info, nameError("stat", name, err)
}

// Readlink returns where a link leads.
func (p *Process) Readlink(name string) (string, error) {
	host, err := p.locate(name, false, false)
	if err != nil {
		return "", nameError("readlink", name, err)
	}
	target, err := os.Readlink(host)
	return target, nameError("readlink", name, err)
}

// ReadDir returns the entries of a directory by name.
func (p *Process) ReadDir(name string) ([]fs.DirEntry, error) {
	host, err := p.locate(name, true, false)
	if err != nil {
		return nil, nameError("open", name, err)
	}
	entries, err := os.ReadDir(host)
	return entries, nameError("open", name, err)
}

// change lets a function of package os change a file; it follows no link at the name's end.
func (p *Process) change(op, name string, do func(host string) error) error {
	host, err := p.locate(strings.TrimRight(name, "/"), false, true)
	if err != nil {
		return nameError(op, name, err)
	}
	return nameError(op, name, do(host))
}

// Mkdir makes a directory.
func (p *Process) Mkdir(name string, perm fs.FileMode) error {
	return p.change("mkdir", name, func(host string) error { return os.Mkdir(host, perm) })
}

// Remove removes a file, a link or an empty directory.
func (p *Process) Remove(name string) error { return p.change("remove", name, os.Remove) }

// Symlink makes a link to a name, which is kept as it is.
func (p *Process) Symlink(target, name string) error {
	return p.change("symlink", name, func(host string) error { return os.Symlink(target, host) })
}

// Rename moves a file to another name.
func (p *Process) Rename(from, to string) error {
	return p.change("rename", from, func(host string) error {
		return p.change("rename", to, func(other string) error { return os.Rename(host, other) })
	})
}

// Chmod changes the mode of a file, or of what a link leads to.
func (p *Process) Chmod(name string, mode fs.FileMode) error {
	at, err := p.resolve(name, true)
	if err != nil {
		return nameError("chmod", name, err)
	}
	return p.change("chmod", at, func(host string) error { return os.Chmod(host, mode) })
}
