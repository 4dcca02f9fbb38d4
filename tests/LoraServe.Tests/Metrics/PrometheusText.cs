using System.Globalization;

namespace LoraServe.Tests.Metrics;

/// <summary>
/// A strict parser of Prometheus' text format 0.0.4, written from its specification independently of the server's writer: it rejects samples
/// without HELP and TYPE, families that are not contiguous, duplicate series, invalid names and escapes, and histograms whose buckets are
/// inconsistent.
/// </summary>
internal sealed class PrometheusText
{
    private readonly Dictionary<string, Family> _families = new(StringComparer.Ordinal);

    private PrometheusText()
    {
    }

    public IReadOnlyDictionary<string, Family> Families => _families;

    /// <summary>The value of the only series of a name that has all of these labels.</summary>
    public double this[string name, params (string Name, string Value)[] labels] => Find(name, labels).ShouldHaveSingleItem().Value;

    public IReadOnlyList<Sample> Find(string name, params (string Name, string Value)[] labels) =>
        [.. _families.Values.SelectMany(family => family.Samples).Where(sample => sample.Name == name && labels.All(label => sample.Labels.GetValueOrDefault(label.Name) == label.Value))];

    /// <summary>The sum of all series of a name that have all of these labels; 0 if there is none.</summary>
    public double Sum(string name, params (string Name, string Value)[] labels) => Find(name, labels).Sum(sample => sample.Value);

    /// <exception cref="FormatException">The text is invalid.</exception>
    public static PrometheusText Parse(string text)
    {
        if (text.Length > 0 && text[^1] != '\n') throw new FormatException("The last line has no end.");
        var result = new PrometheusText();
        Family? current = null;
        var number = 0;
        foreach (var line in text.Split('\n')[..^1])
        {
            number++;
            try
            {
                current = result.Read(line, current);
            }
            catch (FormatException e)
            {
                throw new FormatException($"Line {number}: {e.Message}: {line}", e);
            }
        }

        foreach (var family in result._families.Values) family.Check();
        return result;
    }

    private Family? Read(string line, Family? current)
    {
        if (line.Length == 0) return current;
        if (line.StartsWith("# HELP ", StringComparison.Ordinal)) return Begin(line["# HELP ".Length..]);
        if (line.StartsWith("# TYPE ", StringComparison.Ordinal)) return SetType(line["# TYPE ".Length..], current);
        if (line[0] == '#') return current;
        var sample = new Reader(line).Sample();
        if (current is not { Type: not null }) throw new FormatException("a sample before HELP and TYPE");
        if (!current.Owns(sample.Name)) throw new FormatException($"a sample among those of {current.Name}");
        current.Add(sample);
        return current;
    }

    private Family Begin(string rest)
    {
        var (name, help) = rest.IndexOf(' ') is var space and > 0 ? (rest[..space], rest[(space + 1)..]) : throw new FormatException("no help");
        CheckName(name);
        for (var i = 0; i < help.Length; i++)
        {
            if (help[i] == '\\' && (++i == help.Length || help[i] is not ('\\' or 'n'))) throw new FormatException("a wrong escape");
        }

        var family = new Family(name);
        return _families.TryAdd(name, family) ? family : throw new FormatException("a second HELP");
    }

    private static Family SetType(string rest, Family? current)
    {
        var parts = rest.Split(' ');
        if (parts.Length != 2 || parts[1] is not ("counter" or "gauge" or "histogram" or "summary" or "untyped")) throw new FormatException("a wrong type");
        if (current is null || current.Name != parts[0]) throw new FormatException("TYPE does not follow its HELP");
        if (current.Type is not null) throw new FormatException("a second TYPE");
        current.Type = parts[1];
        return current;
    }

    private static void CheckName(string name)
    {
        if (name.Length == 0 || char.IsAsciiDigit(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or ':')) throw new FormatException("a wrong name");
    }

    internal sealed record Sample(string Name, IReadOnlyDictionary<string, string> Labels, double Value)
    {
        public string Series => $"{Name}{{{string.Join(',', Labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value.Length}:{label.Value}"))}}}";
    }

    internal sealed class Family(string name)
    {
        private readonly List<Sample> _samples = [];
        private readonly HashSet<string> _series = [];

        public string Name { get; } = name;

        public string? Type { get; set; }

        public IReadOnlyList<Sample> Samples => _samples;

        public bool Owns(string sample) => Type == "histogram"
            ? sample == $"{Name}_bucket" || sample == $"{Name}_sum" || sample == $"{Name}_count"
            : sample == Name;

        public void Add(Sample sample)
        {
            if (!_series.Add(sample.Series)) throw new FormatException("a series that was there already");
            _samples.Add(sample);
        }

        public void Check()
        {
            if (Type is null) throw new FormatException($"{Name} has no TYPE.");
            if (Type == "counter" && _samples.Exists(sample => !(sample.Value >= 0))) throw new FormatException($"{Name} is a counter below 0.");
            if (Type == "counter" && !Name.EndsWith("_total", StringComparison.Ordinal)) throw new FormatException($"{Name} is a counter without _total.");
            if (Type == "histogram") CheckHistogram();
        }

        private void CheckHistogram()
        {
            var bySeries = _samples.GroupBy(sample => string.Join(',', sample.Labels.Where(label => label.Key != "le").Select(label => $"{label.Key}={label.Value}").Order(StringComparer.Ordinal)));
            foreach (var series in bySeries)
            {
                var buckets = series.Where(sample => sample.Name == $"{Name}_bucket").ToList();
                var limits = buckets.Select(bucket => Reader.Number(bucket.Labels["le"])).ToList();
                if (!limits.SequenceEqual(limits.Order()) || limits.Distinct().Count() != limits.Count) throw new FormatException($"{Name}: limits do not rise.");
                if (limits.Count == 0 || !double.IsPositiveInfinity(limits[^1])) throw new FormatException($"{Name}: the last bucket is not +Inf.");
                if (!buckets.Select(bucket => bucket.Value).SequenceEqual(buckets.Select(bucket => bucket.Value).Order())) throw new FormatException($"{Name}: buckets do not rise.");
                if (series.Single(sample => sample.Name == $"{Name}_count").Value != buckets[^1].Value) throw new FormatException($"{Name}: the count is not that of +Inf.");
                _ = series.Single(sample => sample.Name == $"{Name}_sum");
            }
        }
    }

    private sealed class Reader(string line)
    {
        private int _position;

        public Sample Sample()
        {
            var end = line.IndexOfAny(['{', ' ']);
            if (end < 0) throw new FormatException("no value");
            var name = line[..end];
            CheckName(name);
            _position = end;
            var labels = line[end] == '{' ? Labels() : [];
            var rest = line[_position..];
            if (rest.Length < 2 || rest[0] != ' ') throw new FormatException("no value");
            return new Sample(name, labels, Number(rest[1..]));
        }

        public static double Number(string text) => text switch
        {
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            "NaN" => double.NaN,
            _ when double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var value) => value,
            _ => throw new FormatException($"no number: '{text}'"),
        };

        private Dictionary<string, string> Labels()
        {
            var labels = new Dictionary<string, string>(StringComparer.Ordinal);
            do
            {
                _position++;
                var equals = line.IndexOf("=\"", _position, StringComparison.Ordinal);
                if (equals < 0) throw new FormatException("no label");
                var name = line[_position..equals];
                CheckName(name);
                if (name.Contains(':')) throw new FormatException("a wrong name of a label");
                _position = equals + 2;
                if (!labels.TryAdd(name, Value())) throw new FormatException("a label that comes twice");
                if (_position == line.Length) throw new FormatException("no closing brace");
            }
            while (line[_position] == ',');
            if (line[_position++] != '}') throw new FormatException("no closing brace");
            return labels;
        }

        private string Value()
        {
            var value = "";
            for (; ; _position++)
            {
                if (_position == line.Length) throw new FormatException("no closing quote");
                var letter = line[_position];
                if (letter == '"') break;
                if (letter != '\\')
                {
                    value += letter;
                    continue;
                }

                if (++_position == line.Length) throw new FormatException("a wrong escape");
                value += line[_position] switch
                {
                    '\\' => '\\',
                    '"' => '"',
                    'n' => '\n',
                    _ => throw new FormatException("a wrong escape"),
                };
            }

            _position++;
            return value;
        }
    }
}
