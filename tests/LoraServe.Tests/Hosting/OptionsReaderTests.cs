using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using LoraServe.Api.Requests;
using LoraServe.Commands;
using LoraServe.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace LoraServe.Tests.Hosting;

public class OptionsReaderTests
{
    private static readonly string Folder = Repository.Golden("demo", "adapters");

    public static TheoryData<string> Options => [.. OptionsReader.Properties.Select(property => property.Name)];

    [Theory]
    [MemberData(nameof(Options))]
    public async Task Read_OptionOnTheCommandLine_IsSet(string name)
    {
        var (property, value, text) = Sample(name);
        IReadOnlyDictionary<string, string?> given = new Dictionary<string, string?>();

        await CommandLine.RunAsync([$"--{OptionsReader.Name(property)}", text], settings =>
        {
            given = settings;
            return Task.FromResult(0);
        });

        property.GetValue(OptionsReader.Read(new ConfigurationBuilder().AddInMemoryCollection(given).Build())).ShouldBe(value);
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void Read_OptionInTheEnvironment_IsSet(string name)
    {
        var (property, value, text) = Sample(name);
        // A unique prefix isolates the variables from other tests of this process.
        var prefix = $"T{Guid.NewGuid():N}_";
        Environment.SetEnvironmentVariable($"{prefix}LoraServe__{name}", text);

        var options = OptionsReader.Read(new ConfigurationBuilder().AddEnvironmentVariables(prefix).Build());

        property.GetValue(options).ShouldBe(value);
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void Read_OptionInAppsettings_IsSet(string name)
    {
        var (property, value, _) = Sample(name);
        // As in hand-written files: numbers and flags without quotes.
        var json = JsonSerializer.Serialize(new Dictionary<string, object> { ["LoraServe"] = new Dictionary<string, object> { [name] = value } });

        var options = OptionsReader.Read(new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build());

        property.GetValue(options).ShouldBe(value);
    }

    [Fact]
    public void Read_NothingSet_ServesTheDemoModelWithItsAdapters()
    {
        var options = Read();

        options.ShouldBe(new LoraServeOptions());
        var engine = options.ToEngineOptions();
        File.Exists(Path.Combine(engine.Model, "config.json")).ShouldBeTrue();
        Directory.GetDirectories(engine.Adapters!).Select(Path.GetFileName).ShouldBe(["extract", "sentiment", "sql", "summarize"], ignoreOrder: true);
    }

    [Fact]
    public void Read_ValuesOfEveryType_AreRead()
    {
        var options = Read(("MaxNumSeqs", "8"), ("Threads", "3"), ("dtype", "float32"), ("Urls", "http://+:80;http://localhost:81"), ("Data", ""));

        options.ShouldBe(new LoraServeOptions { MaxNumSeqs = 8, Threads = 3, Dtype = "float32", Urls = "http://+:80;http://localhost:81" });
    }

    [Fact]
    public void Read_MaxUploadSize_IsTheLimitOfArchivesAndOfWhatTheyUnpackTo()
    {
        var limits = Read(("MaxUploadSize", "3000")).ToEngineOptions().UploadLimits;

        (limits.MaxArchiveBytes, limits.MaxExpandedBytes, limits.MaxFileBytes).ShouldBe((3000L << 20, 3000L << 20, 3000L << 20));
    }

    [Fact]
    public void Read_SeveralFaults_AreAllInOneException()
    {
        var e = Should.Throw<OptionsValidationException>(() => Read(
            ("MaxNumSeqs", "0"), ("Threads", "many"), ("Dtype", "int8"), ("Model", "/no/such/folder"), ("Urls", "http://localhost:99999"), ("MaxNumSeq", "4")));

        e.Failures.Count().ShouldBe(6);
        e.Message.ShouldContain("--max-num-seqs (or LoraServe__MaxNumSeqs): expected a whole number from 1 to 4096, found '0'");
        e.Message.ShouldContain("LoraServe:MaxNumSeq is not an option");
    }

    [Fact]
    public void Properties_EveryNumber_HasARange() => OptionsReader.Properties
        .Where(property => property.PropertyType == typeof(int) || property.PropertyType == typeof(int?))
        .ShouldAllBe(property => property.IsDefined(typeof(System.ComponentModel.DataAnnotations.RangeAttribute), true));

    [Fact]
    public void Read_DoubleOutOfRangeOrNoNumber_IsRefused()
    {
        foreach (var text in new[] { "1.5", "-0.1", "NaN", "0,3", "1e400", "half" })
        {
            Should.Throw<OptionsValidationException>(() => Read(("TrainingShare", text))).Message
                .ShouldContain($"--training-share (or LoraServe__TrainingShare): expected a number from 0 to 1, found '{text}'");
        }
    }

    [Fact]
    public void Read_UnknownOption_IsRefusedWithTheNearestName()
    {
        Should.Throw<OptionsValidationException>(() => Read(("MaxNumSeq", "4"))).Message.ShouldContain("is LoraServe:MaxNumSeqs meant?");
        Should.Throw<OptionsValidationException>(() => Read(("max_num_seqs", "4"))).Message.ShouldContain("is LoraServe:MaxNumSeqs meant?");
        Should.Throw<OptionsValidationException>(() => Read(("Zzz", "4"))).Message.ShouldNotContain("meant?");
    }

    [Fact]
    public void Read_OneUnderscoreInTheEnvironment_IsRefusedInsteadOfPassedOver()
    {
        foreach (var name in new[] { "LORASERVE_MAX_NUM_SEQS", "LoraServe_MaxNumSeqs" })
            Should.Throw<OptionsValidationException>(() => ReadRoot((name, "4"))).Message.ShouldContain($"{name} is not an option; LoraServe__MaxNumSeqs is");

        // Set by Kubernetes if there is a service named loraserve.
        ReadRoot(("LORASERVE_PORT", "tcp://10.0.0.1:8080"), ("LORASERVE_SERVICE_HOST", "10.0.0.1")).ShouldBe(new LoraServeOptions());
    }

    [Fact]
    public void Read_ListWhereATextBelongs_IsRefused() =>
        Should.Throw<OptionsValidationException>(() => Read(("CorsOrigins:0", "https://a.example"))).Message.ShouldContain("--cors-origins");

    private static (PropertyInfo Property, object Value, string Text) Sample(string name)
    {
        var property = OptionsReader.Properties.Single(property => property.Name == name);
        var byDefault = property.GetValue(new LoraServeOptions());
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        object value = property switch
        {
            _ when type == typeof(bool) => !(bool)byDefault!,
            _ when type == typeof(double) => 0.3,
            _ when property.GetCustomAttribute<RangeAttribute>() is { } range => Convert.ChangeType(
                Convert.ToInt64(range.Maximum, CultureInfo.InvariantCulture) - 1, type, CultureInfo.InvariantCulture),
            _ when property.GetCustomAttribute<AllowedValuesAttribute>() is { } allowed => allowed.Values.First(value => !Equals(value, byDefault))!,
            _ => property.GetCustomAttribute<TextRuleAttribute>() switch
            {
                ListenAddressesAttribute => "http://127.0.0.1:1;http://127.0.0.1:2",
                OriginsAttribute => "https://a.example;https://b.example",
                UrlPathAttribute => "/lora",
                ProxiesAttribute => "10.0.0.0/8;192.0.2.7",
                OtlpAddressAttribute => "http://127.0.0.1:4317",
                BaseModelAttribute or ExistingFolderAttribute => Folder,
                _ => "some-text",
            },
        };
        value.ShouldNotBe(byDefault);
        return (property, value, Convert.ToString(value, CultureInfo.InvariantCulture)!);
    }

    private static LoraServeOptions ReadRoot(params IEnumerable<(string Name, string Value)> settings) => OptionsReader.Read(
        new ConfigurationBuilder().AddInMemoryCollection(settings.ToDictionary(setting => setting.Name, setting => (string?)setting.Value)).Build());

    private static LoraServeOptions Read(params IEnumerable<(string Name, string Value)> settings) => OptionsReader.Read(new ConfigurationBuilder()
        .AddInMemoryCollection(settings.ToDictionary(setting => $"LoraServe:{setting.Name}", setting => (string?)setting.Value))
        .Build());
}
