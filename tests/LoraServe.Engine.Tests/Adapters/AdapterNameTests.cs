using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LoraServe.Engine.Adapters;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters;

public sealed class AdapterNameTests
{
    private const string Version = "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789";

    [Theory]
    [InlineData("a", true)]
    [InlineData("0", true)]
    [InlineData("Llama-3.1_8b", true)]
    [InlineData("con", true)]
    [InlineData("", false)]
    [InlineData(".a", false)]
    [InlineData("_a", false)]
    [InlineData("a..b", false)]
    [InlineData("a b", false)]
    [InlineData("a/b", false)]
    [InlineData("é", false)]
    [InlineData("a\n", false)]
    public void IsValid_Name_FollowsTheRule(string name, bool isValid) => AdapterName.IsValid(name).ShouldBe(isValid);

    [Theory]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public void IsValid_Length_IsLimited(int length, bool isValid) => AdapterName.IsValid(new string('A', length)).ShouldBe(isValid);

    [Property(MaxTest = 200)]
    public Property Put_AnyName_IsRefusedOrSurvivesARestart()
    {
        var nearNames = Gen.ArrayOf(Gen.Elements("aAzZ09._-/\\\0é".ToCharArray())).Select(letters => new string(letters));
        var names = Gen.OneOf(nearNames, ArbMap.Default.GeneratorFor<NonNull<string>>().Select(name => name.Get));
        return Prop.ForAll(names.ToArbitrary(), name =>
        {
            using var data = new TemporaryFolder();
            using (var store = AdapterStore.Open(data.Path, new AdapterLimits(), NullLogger.Instance))
            using (var upload = store.BeginUpload())
            {
                File.WriteAllText(Path.Combine(upload.Folder, AdapterFiles.Config), "{}");
                File.WriteAllText(Path.Combine(upload.Folder, AdapterFiles.Tensors), "tensors");
                if (!AdapterName.IsValid(name))
                {
                    Should.Throw<ArgumentException>(() => store.Put(name, Version, upload.Folder, DateTimeOffset.UnixEpoch));
                    return;
                }
                store.Put(name, Version, upload.Folder, DateTimeOffset.UnixEpoch);
            }

            using var restarted = AdapterStore.Open(data.Path, new AdapterLimits(), NullLogger.Instance);
            restarted.Names.ShouldBe([new StoredName(name, Version, DateTimeOffset.UnixEpoch)]);
        });
    }
}
