// A file that is written in whole pieces, and rotated by size: traces.jsonl, traces.jsonl.1 (before it), ... .keep.
//
// A piece is one write(2) at the end (O_APPEND), and all of it or nothing: where only a part fits on the disk, the file is cut
// back. A file that was moved or removed is made anew. Errors are errno's numbers; 0: all is well.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apm/config.hpp>
#include <apm/detail/file_size_limit.hpp>
#include <apm/detail/open_to_write.hpp>

namespace apm::inline APM_ABI::detail {

struct rotating_file_options {
    std::uint64_t max_bytes = 0;      // a piece that does not fit begins the next file, however large it is; 0: no limit
    unsigned keep = 0;                // files beside the one that is written
    bool alone = false;               // no two processes write it: a second one, and one that finds a file, begins another
    std::string_view ending = {};     // written when a file is done; viewed
};

// Not alone, several processes may write one file: pieces stay whole, and each process rotates it when it meets the limit.
// One thread at a time.
class rotating_file {
public:
    rotating_file(std::string path, const rotating_file_options& options) : path_(std::move(path)), options_(options) {}
    rotating_file(const rotating_file&) = delete;
    rotating_file& operator=(const rotating_file&) = delete;
    ~rotating_file() { leave(); }

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] bool is_open() const { return file_ >= 0; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    // Whether so many more bytes are to go into the next file.
    [[nodiscard]] bool full(std::size_t more) const {
        return options_.max_bytes && size_ && size_ + more + options_.ending.size() > options_.max_bytes;
    }

    // Opens what is not open, or not there any more. EBUSY: another process has it alone.
    int ready() {
        if (is_open()) {
            if (still_there() && !torn_) return 0;
            finish();
        }
        if (const int failed = open_it()) return failed;
        if (!torn_) return 0;
        return rotate();
    }

    // All of it, or nothing. Only where it is ready().
    int append(std::string_view piece) {
        if (!may_grow_to(size_ + piece.size())) return EFBIG;
        ssize_t written = 0;
        do written = write(file_, piece.data(), piece.size());
        while (written < 0 && errno == EINTR);
        if (written < 0) return errno;
        if (static_cast<std::size_t>(written) == piece.size()) {
            size_ += piece.size();
            return 0;
        }
        cut_back(written);
        return ENOSPC;
    }

    // Begins the next file under the same path. Only where it is ready().
    int rotate() {
        if (!options_.alone) {
            // The process that has the lock is about to rotate it; this piece still goes into the old file.
            if (flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return 0;
            if (!still_there()) return open_it();  // another process has rotated it
        }
        end_well();
        int failed = 0;
        for (unsigned n = options_.keep; n > 0 && !failed; --n) failed = move(n - 1, n);
        if (options_.keep == 0 && ::unlink(path_.c_str()) != 0 && errno != ENOENT) failed = errno;
        if (failed) return leave(), failed;
        return open_it();
    }

    // Writes the ending and closes the file.
    void finish() {
        end_well();
        leave();
    }
    // Closes it as it is: in a forked child it is the parent's.
    void leave() {
        if (is_open()) close(file_);
        file_ = -1;
        size_ = 0;
    }

private:
    // Whether the path still leads to what is open. Learns how large that is.
    bool still_there() {
        struct stat mine {}, there {};
        if (fstat(file_, &mine) != 0 || lstat(path_.c_str(), &there) != 0) return false;
        size_ = static_cast<std::uint64_t>(mine.st_size);
        return there.st_ino == mine.st_ino && there.st_dev == mine.st_dev;
    }
    void end_well() {
        if (is_open() && !torn_ && size_ && !options_.ending.empty()) static_cast<void>(append(options_.ending));
    }
    int open_it() {
        leave();
        struct stat there {};
        if (lstat(path_.c_str(), &there) == 0 && !S_ISREG(there.st_mode))
            return S_ISLNK(there.st_mode) ? ELOOP : EISDIR;  // or a pipe, or a terminal
        torn_ = false;
        file_ = open_to_write(AT_FDCWD, path_.c_str(), O_RDWR | O_APPEND, 0640);
        if (file_ < 0) return errno;
        struct stat mine {};
        int failed = fstat(file_, &mine) != 0 ? errno : S_ISREG(mine.st_mode) ? 0 : EISDIR;
        if (!failed && options_.alone && flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) failed = EBUSY;
        if (failed) return leave(), failed;
        size_ = static_cast<std::uint64_t>(mine.st_size);
        // A run before left it; or a crash in mid-write left a part of a line, which would spoil the next.
        char last = '\n';
        torn_ = size_ && (options_.alone || (pread(file_, &last, 1, mine.st_size - 1) == 1 && last != '\n'));
        return 0;
    }
    void cut_back(ssize_t written) {
        // Where this write ended; if that is not the end of the file, another process wrote behind it.
        const off_t end = lseek(file_, 0, SEEK_CUR);
        struct stat mine {};
        torn_ = fstat(file_, &mine) != 0 || mine.st_size != end || ftruncate(file_, end - written) != 0;
    }
    int move(unsigned from, unsigned to) const {
        const auto name = [this](unsigned n) { return n ? path_ + '.' + std::to_string(n) : path_; };
        return rename(name(from).c_str(), name(to).c_str()) == 0 || errno == ENOENT ? 0 : errno;
    }

    std::string path_;
    rotating_file_options options_;
    int file_ = -1;
    std::uint64_t size_ = 0;
    bool torn_ = false;  // nothing more is to be written to it
};

}  // namespace apm::inline APM_ABI::detail
