// Two libraries that know nothing of each other, each with its schema, in one program: one collection sees both.
#include <cstdio>

#include <apm/apm.hpp>
#include <apm/collect.hpp>

namespace mail {  // one library
struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "mail", .version = "2.1.0"};
    counter<>                         sent{this, "mail.sent", "Mails sent"};
    counter<apm::no_labels, apm::bytes> size{this, "transferred", "Bytes transferred"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

void send(unsigned bytes) { telemetry.sent.add(1), telemetry.size.add(bytes); }
}  // namespace mail

namespace store {  // another, which happens to call a row by the same name
struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "store", .version = "0.9.3"};
    counter<apm::no_labels, apm::bytes> written{this, "transferred", "Bytes transferred"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

void write(unsigned bytes) { telemetry.written.add(bytes); }
}  // namespace store

int main() {
    mail::send(100);
    mail::send(200);
    store::write(4096);

    const apm::snapshot now = apm::collect();
    for (const apm::family& family : now.families)
        for (const apm::series_view& series : family.series)  // the scope tells them apart
            std::printf("%s %s: %s %g\n", family.schema->name, family.schema->version, family.row->name, series.real());
}
