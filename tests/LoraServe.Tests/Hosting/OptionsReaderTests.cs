using LoraServe.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace LoraServe.Tests.Hosting;

public class OptionsReaderTests
{
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

    private static LoraServeOptions Read(params IEnumerable<(string Name, string Value)> settings) => OptionsReader.Read(new ConfigurationBuilder()
        .AddInMemoryCollection(settings.ToDictionary(setting => $"LoraServe:{setting.Name}", setting => (string?)setting.Value))
        .Build());
}
