// The batches that wait for one destination, on disk, so that they survive the process:
//
//     <directory>/<destination>.<process>.<random>/<name>       (spool_name.hpp)
//
// A file is the body of a request, and nothing else: no header, no secret. It is written under another name and renamed when it
// is whole. A process holds a lock (flock) on its directory until it ends; a process that starts adopts the directories of
// processes that ended. It survives the end of the process at any moment, but not a crash of the machine: no write is synced.
// Errors are errno's numbers; 0: all is well.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <apm/backend/delivery/protocol.hpp>
#include <apm/backend/delivery/queue.hpp>
#include <apm/backend/delivery/spool_name.hpp>
#include <apm/config.hpp>
#include <apm/detail/file_descriptor.hpp>
#include <apm/detail/file_size_limit.hpp>
#include <apm/detail/hex.hpp>
#include <apm/detail/open_to_write.hpp>
#include <apm/detail/random.hpp>

namespace apm::inline APM_ABI::detail::delivery {

// open(), adopt() and write() by one thread at a time; read() and remove() by any other at the same time.
class spool {
public:
    // `name`: of the destination. `by`: how its bodies are encoded.
    spool(std::string directory, std::string name, const protocol& by)
        : directory_(std::move(directory)), name_(std::move(name)), protocol_(by) {}

    [[nodiscard]] bool is_open() const { return bool(own_); }

    // Makes the directory, if its parent is there, and one in it for this process.
    int open() {
        if (mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) return errno;
        file_descriptor base(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!base) return errno;
        for (int attempt = 0; attempt < 16; ++attempt) {
            std::uint64_t random = random_seed();
            std::string own_name = name_ + '.' + std::to_string(getpid()) + '.';
            append_hex(own_name, next_random(random));
            if (mkdirat(base.get(), own_name.c_str(), 0700) != 0) {
                if (errno == EEXIST) continue;
                return errno;
            }
            file_descriptor own(openat(base.get(), own_name.c_str(), directory_flags));
            // A process that starts at this moment may have taken it for one that a process that ended left, and removed it.
            if (!own && errno == ENOENT) continue;
            if (!own) return errno;
            if (flock(own.get(), LOCK_EX | LOCK_NB) != 0) {
                if (errno == EWOULDBLOCK) continue;
                return errno;
            }
            if (!same(own.get(), base.get(), own_name)) continue;
            base_ = std::move(base), own_ = std::move(own), own_name_ = own_name;
            return 0;
        }
        return EBUSY;
    }

    // What processes that ended left for this destination, oldest first.
    batches adopt() {
        std::vector<orphan> found;
        std::vector<std::pair<std::string, file_descriptor>> ended;
        each_entry(base_.get(), [&](const std::string& entry) {
            if (!is_process_directory(entry) || entry == own_name_) return;
            file_descriptor fd(openat(base_.get(), entry.c_str(), directory_flags));
            struct stat is {};
            if (!fd || fstat(fd.get(), &is) != 0 || is.st_uid != geteuid()) return;
            if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return;  // its process still runs
            find(fd.get(), found);
            ended.emplace_back(entry, std::move(fd));
        });
        std::sort(found.begin(), found.end(), [](const orphan& a, const orphan& b) {
            return std::tuple(a.when.tv_sec, a.when.tv_nsec, a.name) < std::tuple(b.when.tv_sec, b.when.tv_nsec, b.name);
        });
        batches all;
        for (orphan& o : found) {
            o.content.file = spool_name(protocol_, next_++, o.content);
            if (renameat(o.directory, o.name.c_str(), own_.get(), o.content.file.c_str()) == 0)
                all.push_back(std::move(o.content));
        }
        for (const auto& [entry, fd] : ended)
            unlinkat(base_.get(), entry.c_str(), AT_REMOVEDIR);  // unless something is left in it
        return all;
    }

    // Writes all of its body or nothing. Afterwards the batch has a file instead of a body.
    int write(batch& b) {
        if (!is_open())
            if (const int failed = open()) return failed;
        if (!may_grow_to(b.body.size())) return EFBIG;
        b.size = b.body.size();
        b.checksum = checksum_of(b.body);
        const std::string name = spool_name(protocol_, next_++, b), unfinished = name + unfinished_ending;
        file_descriptor fd(open_to_write(own_.get(), unfinished.c_str(), O_WRONLY | O_EXCL, 0600));
        if (!fd) return errno;
        int failed = 0;
        for (std::size_t done = 0; done < b.body.size() && !failed;) {
            const ssize_t n = ::write(fd.get(), b.body.data() + done, b.body.size() - done);
            if (n > 0) done += static_cast<std::size_t>(n);
            else if (n == 0) failed = ENOSPC;
            else if (errno != EINTR) failed = errno;
        }
        if (!failed && renameat(own_.get(), unfinished.c_str(), own_.get(), name.c_str()) != 0) failed = errno;
        if (failed) return unlinkat(own_.get(), unfinished.c_str(), 0), failed;
        b.file = name;
        b.body = {};
        return 0;
    }

    // EILSEQ where it is not what was written.
    int read(const batch& b, std::string& body) const {
        const file_descriptor fd(openat(own_.get(), b.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        struct stat is {};
        if (!fd || fstat(fd.get(), &is) != 0) return errno;
        if (!S_ISREG(is.st_mode) || static_cast<std::uint64_t>(is.st_size) != b.size) return EILSEQ;
        body.resize(b.size);
        for (std::size_t done = 0; done < body.size();) {
            const ssize_t n = ::read(fd.get(), body.data() + done, body.size() - done);
            if (n > 0) done += static_cast<std::size_t>(n);
            else if (n == 0) return EILSEQ;
            else if (errno != EINTR) return errno;
        }
        return checksum_of(body) == b.checksum ? 0 : EILSEQ;
    }
    void remove(const batch& b) const { unlinkat(own_.get(), b.file.c_str(), 0); }

    // Closes the directory; what is in it is for the next process.
    void close() {
        if (is_open()) unlinkat(base_.get(), own_name_.c_str(), AT_REMOVEDIR);  // where nothing is left in it
        forget();
    }
    // In a forked child: what is open is the parent's, whose lock would outlive it here.
    void forget() { own_.reset(), base_.reset(); }

    // What failed, where, and what to do.
    [[nodiscard]] std::string because(std::string_view what, int failed, std::string_view then) const {
        const auto advice = [failed] {
            switch (failed) {
                case ENOSPC: case EDQUOT: return "make room there, or name another directory";
                case EACCES: case EPERM: case EROFS: return "let this user write there, or name another directory";
                case ENOENT: case ENOTDIR: return "make the directory that it is to be in, or name another";
                case EFBIG: return "raise the limit of a file's size (ulimit -f)";
                default: return "look after that disk, or name another directory";
            }
        }();
        const std::string reason = failed == EILSEQ ? "a file is not what was written" : std::generic_category().message(failed);
        return "cannot " + std::string(what) + " the spool in " + directory_ + ": " + reason + "; " + advice + "; " +
               std::string(then);
    }

private:
    static constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
    static constexpr const char* unfinished_ending = ".unfinished";

    struct orphan {
        int directory;
        std::string name;
        timespec when;
        batch content;
    };

    static bool same(int fd, int base, const std::string& name) {
        struct stat is {}, there {};
        return fstat(fd, &is) == 0 && fstatat(base, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
               is.st_ino == there.st_ino && is.st_dev == there.st_dev;
    }
    static std::uint32_t checksum_of(std::string_view body) {
        return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(body.data()), body.size()));
    }

    // An item has a byte at least; deflate makes one byte of 1032 at most.
    static std::uint64_t most_items(const batch& b) { return b.size * (b.gzip ? 1032 : 1); }

    [[nodiscard]] bool is_process_directory(std::string_view entry) const {
        if (!entry.starts_with(name_ + '.')) return false;
        entry.remove_prefix(name_.size() + 1);
        const std::size_t dot = entry.find('.');
        return dot != entry.npos && dot > 0 && entry.find_first_not_of("0123456789") == dot && entry.size() == dot + 17 &&
               is_hex(entry.substr(dot + 1));
    }

    template <class F>
    static void each_entry(int directory, F&& f) {
        const int again = openat(directory, ".", directory_flags);  // with a position of its own
        const std::unique_ptr<DIR, int (*)(DIR*)> open(again < 0 ? nullptr : fdopendir(again), closedir);
        if (!open) {
            if (again >= 0) ::close(again);
            return;
        }
        while (const dirent* e = readdir(open.get()))
            if (e->d_name[0] != '.') f(std::string(e->d_name));
    }
    void find(int directory, std::vector<orphan>& found) const {
        each_entry(directory, [&](const std::string& name) {
            orphan o{directory, name, {}, {}};
            if (name.ends_with(unfinished_ending)) {
                unlinkat(directory, name.c_str(), 0);
                return;
            }
            struct stat is {};
            if (!read_spool_name(protocol_, name, o.content)) return;
            if (fstatat(directory, name.c_str(), &is, AT_SYMLINK_NOFOLLOW) != 0) return;
            if (!S_ISREG(is.st_mode)) return;
            o.when = is.st_mtim;
            o.content.size = static_cast<std::uint64_t>(is.st_size);
            o.content.items = (std::min)(o.content.items, most_items(o.content));  // of the name, which nothing checks
            found.push_back(std::move(o));
        });
    }

    std::string directory_, name_, own_name_;
    const protocol& protocol_;
    file_descriptor base_, own_;
    std::uint64_t next_ = 0;
};

}  // namespace apm::inline APM_ABI::detail::delivery
