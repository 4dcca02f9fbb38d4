using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace LoraServe.Jobs.Migrations
{
    /// <inheritdoc />
    public partial class Attempts : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "Attempts",
                table: "Jobs",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.CreateIndex(
                name: "IX_Events_JobId_Number",
                table: "Events",
                columns: new[] { "JobId", "Number" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_Events_JobId_Number",
                table: "Events");

            migrationBuilder.DropColumn(
                name: "Attempts",
                table: "Jobs");
        }
    }
}
