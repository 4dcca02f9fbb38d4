using LoraServe.Engine.Storage;
using Microsoft.Data.Sqlite;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Storage;

public sealed class InsufficientStorageTests
{
    [Fact]
    public void IsCauseOf_WriteToAFullDevice_IsTrue()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no device that is always full.");

        var exception = Should.Throw<IOException>(() => File.WriteAllText("/dev/full", "x"));

        InsufficientStorage.IsCauseOf(exception).ShouldBeTrue();
    }

    [Fact]
    public void IsCauseOf_FullDatabase_IsTrueHoweverDeep() =>
        InsufficientStorage.IsCauseOf(new IOException("a", new InvalidOperationException("b", new SqliteException("c", 13)))).ShouldBeTrue();

    [Fact]
    public void IsCauseOf_OtherFaults_IsFalse()
    {
        InsufficientStorage.IsCauseOf(new IOException("a", new SqliteException("c", 11))).ShouldBeFalse();
        InsufficientStorage.IsCauseOf(new FileNotFoundException()).ShouldBeFalse();
    }
}
